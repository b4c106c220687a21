import { fileURLToPath } from 'node:url';
import { configDefaults, defineConfig } from 'vitest/config';
import suite from '../../vitest.config.js';

// The suite, recorded, or in its place the tests that leak on purpose.
export default defineConfig({
  ...suite,
  root: fileURLToPath(new URL('../../', import.meta.url)),
  test: {
    ...suite.test,
    include: process.env.PROJECTED_TOKEN_LEAK === undefined ? suite.test!.include! : ['test/secrets/leak.ts'],
    // Benchmarks show nothing of a token, and what records cannot be recorded.
    exclude: [...configDefaults.exclude, 'test/bench/**', 'test/secrets/**.test.ts'],
    // Writing it all down takes its time.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    setupFiles: ['test/secrets/record-tests.ts'],
  },
});
