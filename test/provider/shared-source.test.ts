import { execFile } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { mintToken } from 'projected-token/testing';
import { expect, it } from 'vitest';
import { sharedSource } from '../../src/provider/shared-source.js';
import { REPOSITORY } from '../helpers/built-package.js';
import { rejectionOf } from '../helpers/federation.js';
import { temporaryDirectory } from '../helpers/temporary-directory.js';

it('A shared source is one for all who name the same file, and another for another file', async () => {
  const path = join(await temporaryDirectory(), 'token');
  expect(sharedSource(relative(process.cwd(), path))).toBe(sharedSource(path));
  expect(sharedSource(`${path}-2`)).not.toBe(sharedSource(path));
});

it('A shared source says what is wrong with its file, and gives the token once it is there, and each that follows', async () => {
  const path = join(await temporaryDirectory(), 'token');
  const source = sharedSource(path);
  expect(await rejectionOf(source.getToken())).toMatchObject({ code: 'ERR_TOKEN_NOT_FOUND', path });
  const first = await mintToken({ audience: 'a' });
  await writeFile(path, first);
  expect(await source.getToken()).toBe(first);
  const second = await mintToken({ audience: 'b' });
  await writeFile(path, second);
  expect(await source.replaceToken(first)).toBe(second);
  await rm(path);
  expect(await source.getToken()).toBe(second);
});

it('A shared source that nobody closes does not keep the process alive', { timeout: 60_000 }, async () => {
  const path = join(await temporaryDirectory(), 'token');
  await writeFile(path, await mintToken());
  const program = `import { sharedSource } from './src/provider/shared-source.ts';
    await sharedSource(process.argv[1]).getToken();
    console.log('has its token');`;
  const run = promisify(execFile);
  const { stdout } = await run(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program, path], {
    cwd: REPOSITORY,
    timeout: 30_000,
  });
  expect(stdout).toBe('has its token\n');
});
