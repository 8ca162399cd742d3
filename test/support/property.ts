import fc from 'fast-check';

// The same values in every run: a red test is red again. FC_SEED tries others.
fc.configureGlobal({ seed: Number(process.env['FC_SEED'] ?? 20_240_601) });

export { fc };
