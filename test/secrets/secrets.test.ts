import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

it('finds each leak that is planted, and ends with exit code 1 because of them', () => {
  const main = fileURLToPath(new URL('main.ts', import.meta.url));
  // The tests that leak in the place of the suite.
  const env = { ...process.env, PROJECTED_TOKEN_LEAK: 'planted' };
  const { status, stdout } = spawnSync(process.execPath, ['--import', 'tsx', main], { env, encoding: 'utf8' });
  expect(stdout).toMatch(/^(\d+) of \1 planted leaks found$/m);
  expect(stdout).toMatch(/^[1-9]\d* findings$/m);
  expect(status).toBe(1);
}, 180_000);
