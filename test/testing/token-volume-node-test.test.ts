import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const suite = fileURLToPath(new URL('../helpers/node-test-suite.ts', import.meta.url));

it("a user's tests run with node:test and its fake timers, without a sleep", async () => {
  const run = promisify(execFile)(process.execPath, ['--import', 'tsx', '--test', '--test-reporter=tap', suite], {
    // Within node:test a run would report to that one.
    env: { ...process.env, NODE_TEST_CONTEXT: undefined },
  });
  const { stdout } = await run;
  expect(stdout).toMatch(/^# pass 3$/m);
  expect(stdout).toMatch(/^# fail 0$/m);
});
