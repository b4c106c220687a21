import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { useHttpOrigins } from '../helpers/http-origins.js';

const at = useHttpOrigins();
const main = fileURLToPath(new URL('../helpers/node-dispatcher-main.ts', import.meta.url));

it("Node's own global dispatcher carries the token, or says why not where it is one of undici 6", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', main, `${at.listed.origin}/a`]);
  const isOld = Number.parseInt(process.versions.undici ?? '', 10) < 7;
  expect(stdout.trim()).toBe(isOld ? 'ERR_TOKEN_OPTION' : '200');
  expect(at.listed.seen('/a', 'authorization')).toEqual(isOld ? [undefined] : [undefined, 'Bearer a-token']);
});
