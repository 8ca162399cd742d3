import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Minutes of killed servers and frozen workers: `npm run chaos -- --outages` runs them.
    exclude: ['test/chaos/outages.test.ts'],
    globalSetup: ['test/support/globalSetup.ts'],
    // The Temporal SDK's native part does not bear worker threads.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ['default', './test/summaryReporter.ts'],
  },
});
