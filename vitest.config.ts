import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Temporal's native module is not for worker threads.
    pool: 'forks',
    testTimeout: 20_000,
    // A sandbox or a Temporal server is started there.
    hookTimeout: 60_000,
    // A mocked clock or environment never reaches the next test.
    restoreMocks: true,
    unstubEnvs: true,
    reporters: ['default', './test/summary-reporter.ts'],
  },
});
