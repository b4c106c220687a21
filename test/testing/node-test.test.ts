import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { REPOSITORY } from '../helpers/built-package.js';

const SUITES = ['test/helpers/node-test-suite.ts', 'examples/testing/expired-token.node.ts'];

it("a user's tests run with node:test and its fake timers, without a sleep", async () => {
  const args = ['--import', 'tsx', '--test', '--test-reporter=tap', ...SUITES];
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    cwd: REPOSITORY,
    // Within node:test a run would report to that one.
    env: { ...process.env, NODE_TEST_CONTEXT: undefined },
  });
  expect(stdout).toMatch(/^# pass 4$/m);
  expect(stdout).toMatch(/^# fail 0$/m);
});
