import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const src = fileURLToPath(new URL('./src', import.meta.url));

export default defineConfig({
  resolve: {
    alias: [
      { find: /^projected-token$/, replacement: `${src}/index.ts` },
      { find: /^projected-token\/(.+)$/, replacement: `${src}/$1/index.ts` },
    ],
  },
  test: {
    include: ['test/**/*.test.ts', 'examples/**/*.test.ts'],
    // By itself vitest leaves one core to itself, half of a machine that has two; most tests wait for others.
    maxWorkers: availableParallelism(),
    // Long enough for a loaded two-core machine; a test that passes never waits for it.
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // Longer than the second between two looks of a provider that has no token.
    expect: { poll: { timeout: 10_000 } },
  },
});
