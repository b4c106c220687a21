import { defineConfig } from 'vitest/config';
import suite from '../../vitest.config.js';

/** The tests that find mutants: those of the core and of the HTTP policy, without the storms, which find what others find sooner. */
export default defineConfig({
  ...suite,
  test: {
    ...suite.test,
    include: [
      'test/carry/**/*.test.ts',
      'test/fetch/**/*.test.ts',
      'test/internal/**/*.test.ts',
      'test/provider/**/*.test.ts',
      'test/token/**/*.test.ts',
      'test/volume/**/*.test.ts',
    ],
    exclude: ['test/provider/rotation.test.ts'],
    // A mutant that makes a test wait for ever is found out soon.
    testTimeout: 10_000,
  },
});
