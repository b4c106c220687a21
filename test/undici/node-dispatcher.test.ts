import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { useHttpOrigins } from '../helpers/http-origins.js';

const at = useHttpOrigins();
const main = fileURLToPath(new URL('../helpers/node-dispatcher-main.ts', import.meta.url));

it("Node's own global dispatcher carries the token, on every line of Node", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', main, `${at.listed.origin}/a`]);
  expect(stdout.trim()).toBe('200');
  expect(at.listed.seen('/a', 'authorization')).toEqual([undefined, 'Bearer a-token']);
});
