import { configDefaults, defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // The Temporal SDK's native part does not bear worker threads.
    pool: 'forks',
    maxWorkers: 2,
    // Loading the SDK takes longer than most files: files that follow each other in a process share its modules.
    isolate: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // A test that failed leaves long polls behind, which end with its connection: they say nothing that it did not.
    onUnhandledError: ({ message }) => !message.includes('Channel has been shut down'),
    reporters: ['default', './test/summaryReporter.ts'],
    projects: [
      {
        extends: true,
        test: { name: 'unit', include: ['test/unit/*.test.ts'] },
      },
      {
        extends: true,
        test: {
          name: 'programs',
          include: ['test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, 'test/unit/*.test.ts'],
          // Unit tests need neither the server nor the bundles.
          globalSetup: ['test/support/globalSetup.ts'],
          // Real programs over real sockets: a busy machine can starve one for longer than any limit. The summary
          // names the tests that needed their second try.
          retry: 1,
        },
      },
    ],
  },
});
