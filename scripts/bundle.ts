import { fileURLToPath } from 'node:url';
import { type BuildOptions, build } from 'esbuild';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Programs with all their packages in one file: they start in half the time. */
const SELF_CONTAINED = ['src/client.ts', 'sandbox/main.ts'];

/** CommonJS packages call `require`, which a module does not have. */
const REQUIRE =
  "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";

/**
 * Bundles programs as JavaScript: `src/client.ts` becomes `<folder>/src/client.js`.
 *
 * @param programs TypeScript files, relative to the checkout.
 * @param folder Inside the checkout, since a worker's packages are found from there.
 */
export async function bundlePrograms(programs: readonly string[], folder: string): Promise<void> {
  const shared: BuildOptions = {
    absWorkingDir: ROOT,
    outbase: '.',
    outdir: folder,
    bundle: true,
    platform: 'node',
    target: 'node20.19',
    format: 'esm',
    sourcemap: true,
    logLevel: 'warning',
  };
  const alone = programs.filter((program) => SELF_CONTAINED.includes(program));
  const others = programs.filter((program) => !SELF_CONTAINED.includes(program));
  await Promise.all([
    build({ ...shared, entryPoints: alone, banner: { js: REQUIRE } }),
    // The SDK's native part cannot be bundled, and must share its packages with the worker's own code.
    build({ ...shared, entryPoints: others, packages: 'external' }),
  ]);
}
