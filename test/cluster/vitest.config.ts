import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import suite from '../../vitest.config.js';

/** The scenarios, against real servers: `npm run cluster`. Each file starts what it needs, one file after the other. */
export default defineConfig({
  ...suite,
  root: fileURLToPath(new URL('../../', import.meta.url)),
  test: {
    include: [`test/cluster/scenarios/**/*.${process.env.CLUSTER_LONG ? '{scenario,long}' : 'scenario'}.ts`],
    fileParallelism: false,
    // A machine that is busy takes its time to start servers; what passes never waits for it.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 60_000 } },
  },
});
