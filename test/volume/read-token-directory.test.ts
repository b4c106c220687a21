import { TokenVolume } from 'projected-token/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { readTokenFile } from '../../src/volume/read-token-file.js';
import { systemError } from '../helpers/faulty-file-system.js';
import { MemoryTokenFiles } from '../helpers/memory-token-files.js';

const TOKEN = 'aaa.bbb.ccc';

let files: MemoryTokenFiles;

beforeEach(() => {
  files = new MemoryTokenFiles();
});

const read = (path: string) => readTokenFile(files.fs, path);

describe('a directory', () => {
  it.each<[string, Record<string, string>]>([
    ['the only file', { token: TOKEN }],
    ['the only file, whatever it holds', { token: 'not a token' }],
    ['the token beside others', { token: TOKEN, 'ca.crt': 'certificate', namespace: 'shop' }],
    ['the token beside empty and large files', { token: TOKEN, empty: '', large: 'x'.repeat(65_537) }],
  ])('gives %s', async (_, content) => {
    files.write(content);
    expect(await read('/mnt/tokens')).toEqual({
      text: content.token,
      file: '/mnt/tokens/token',
      directory: '/mnt/tokens',
      kind: 'regular',
      entry: 'token',
    });
  });

  it('of a projected volume gives the file that is linked in it', async () => {
    new TokenVolume({ directory: '/mnt/volume', fs: files.memory, files: { namespace: 'shop' } }).write(TOKEN);
    expect(await read('/mnt/volume')).toEqual({
      text: TOKEN,
      file: '/mnt/volume/vault-token',
      directory: '/mnt/volume',
      kind: 'projected',
      entry: 'vault-token',
    });
  });

  it('does not give what is in the directories in it', async () => {
    files.memory.mkdirSync('/mnt/tokens/folder');
    files.memory.writeFileSync('/mnt/tokens/folder/token', TOKEN);
    await expect(read('/mnt/tokens')).rejects.toMatchObject({
      code: 'ERR_TOKEN_NOT_A_FILE',
      path: '/mnt/tokens/folder',
    });
    files.write({ token: TOKEN });
    expect(await read('/mnt/tokens')).toMatchObject({ file: '/mnt/tokens/token' });
  });

  it.each<[string, string, Record<string, string>, RegExp]>([
    ['ERR_TOKEN_NOT_FOUND', 'nothing', {}, /^\/mnt\/tokens is empty: no token was projected/],
    ['ERR_TOKEN_NOT_FOUND', "a kubelet's own files only", { '..data_tmp': TOKEN }, /^\/mnt\/tokens is empty/],
    ['ERR_TOKEN_NOT_FOUND', 'empty files', { b: '', a: ' ' }, /^\/mnt\/tokens holds no token among a, b\./],
    [
      'ERR_TOKEN_NOT_FOUND',
      'no token among others',
      { b: 'x', a: 'y' },
      /^\/mnt\/tokens holds no token among a, b\. Set the option "path" to the token file itself\.$/,
    ],
    [
      'ERR_TOKEN_AMBIGUOUS',
      'several tokens',
      { b: TOKEN, a: TOKEN, c: 'x' },
      /^\/mnt\/tokens holds 2 tokens among a, b, c\. Set the option "path"/,
    ],
  ])('is told (%s) that holds %s', async (code, _, content, message) => {
    files.write(content);
    await expect(read('/mnt/tokens')).rejects.toMatchObject({
      code,
      path: '/mnt/tokens',
      message: expect.stringMatching(message),
    });
  });

  it('of many files is not listed at any length', async () => {
    files.write(Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`file-${10 + index}`, 'x'])));
    const message: string = (await read('/mnt/tokens').catch((error) => error)).message;
    expect(message).toContain('file-10, ');
    expect(message).toContain('file-29. ');
    expect(message).not.toContain('file-30');
  });

  const forbid = (...names: string[]) => {
    files.onOpen = (path) => {
      if (names.some((name) => path.endsWith(`/${name}`))) throw Object.assign(systemError('EACCES'), { path });
    };
  };

  it('is listed again when one of its files vanished: it may have been the token', async () => {
    files.write({ a: TOKEN, b: TOKEN });
    let faults = 1;
    files.onOpen = (path) => {
      if (path.endsWith('/b') && faults-- > 0) throw systemError('ENOENT');
    };
    await expect(read('/mnt/tokens')).rejects.toMatchObject({ code: 'ERR_TOKEN_AMBIGUOUS' });
  });

  it('gives the token though a neighbour may not be read', async () => {
    files.write({ token: TOKEN, secret: 'x', namespace: 'shop' });
    forbid('secret');
    expect(await read('/mnt/tokens')).toMatchObject({ file: '/mnt/tokens/token' });
  });

  it('of several tokens is told as that, though a neighbour may not be read', async () => {
    files.write({ a: TOKEN, b: TOKEN, secret: 'x' });
    forbid('secret');
    await expect(read('/mnt/tokens')).rejects.toMatchObject({ code: 'ERR_TOKEN_AMBIGUOUS', path: '/mnt/tokens' });
  });

  it('is told with the file in it that may not be read, where no other is the token', async () => {
    files.write({ token: TOKEN, namespace: 'shop' });
    forbid('token');
    await expect(read('/mnt/tokens')).rejects.toMatchObject({
      code: 'ERR_TOKEN_NOT_READABLE',
      path: '/mnt/tokens/token',
      cause: { code: 'EACCES' },
    });
  });
});
