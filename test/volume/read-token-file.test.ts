import { constants } from 'node:fs';
import type { TokenFileHandle } from 'projected-token';
import { TokenVolume } from 'projected-token/testing';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { MAX_TOKEN_BYTES } from '../../src/token/max-token-bytes.js';
import { readTokenFile } from '../../src/volume/read-token-file.js';
import { systemError } from '../helpers/faulty-file-system.js';
import { MemoryTokenFiles } from '../helpers/memory-token-files.js';

const TOKEN = 'aaa.bbb.ccc';

let files: MemoryTokenFiles;

beforeEach(() => {
  files = new MemoryTokenFiles();
});

const read = (path = '/mnt/tokens/token') => readTokenFile(files.fs, path);

describe('a file', () => {
  it('gives its text, and where its volume is', async () => {
    files.write({ token: TOKEN });
    expect(await read()).toEqual({
      text: TOKEN,
      file: '/mnt/tokens/token',
      directory: '/mnt/tokens',
      kind: 'regular',
      entry: 'token',
    });
    new TokenVolume({ directory: '/mnt/volume', fs: files.memory }).write(TOKEN);
    expect(await read('/mnt/volume/vault-token')).toEqual({
      text: TOKEN,
      file: '/mnt/volume/vault-token',
      directory: '/mnt/volume',
      kind: 'projected',
      entry: 'vault-token',
    });
  });

  it.each([`${TOKEN}\n`, `\r\n ${TOKEN}\t\r\n`, `\ufeff${TOKEN}`])(
    '(%j) gives its text without white space around it',
    async (text) => {
      files.write({ token: text });
      expect((await read()).text).toBe(TOKEN);
    },
  );

  it('gives any text: what it means is for others to say', async () => {
    files.write({ token: 'no token at all' });
    expect((await read()).text).toBe('no token at all');
  });

  it.each(['', ' ', '\n\r\n\t '])('(%j) that is empty is told', async (text) => {
    files.write({ token: text });
    await expect(read()).rejects.toMatchObject({
      code: 'ERR_TOKEN_EMPTY',
      path: '/mnt/tokens/token',
      message: expect.stringContaining('/mnt/tokens/token is empty'),
    });
  });

  it('may be as large as 64 KiB, and no larger', async () => {
    expect(MAX_TOKEN_BYTES).toBe(65_536);
    files.write({ token: 'x'.repeat(65_536) });
    expect((await read()).text).toHaveLength(65_536);
    files.write({ token: 'x'.repeat(65_537) });
    await expect(read()).rejects.toMatchObject({
      code: 'ERR_TOKEN_TOO_LARGE',
      path: '/mnt/tokens/token',
      message: expect.stringContaining('/mnt/tokens/token is larger than 64 KiB'),
    });
  });

  it('is opened to be read, without a wait for a writer', async () => {
    files.write({ token: TOKEN });
    const flags = vi.fn();
    files.onOpen = (_, given) => flags(given);
    await read();
    expect(flags).toHaveBeenCalledWith(constants.O_RDONLY | constants.O_NONBLOCK);
  });

  it('is read at one go', async () => {
    files.write({ token: TOKEN });
    const reads = vi.fn();
    files.wrap = (handle) => ({
      read: (...args) => {
        reads();
        return handle.read(...args);
      },
    });
    await read();
    expect(reads).toHaveBeenCalledTimes(1);
  });

  it('that the system gives in pieces is read to its end', async () => {
    files.write({ token: TOKEN });
    files.wrap = (handle) => ({
      read: (buffer, offset, length, position) => handle.read(buffer, offset, Math.min(length, 3), position),
    });
    expect((await read()).text).toBe(TOKEN);
  });

  it('that shrank meanwhile gives what there is', async () => {
    files.write({ token: TOKEN });
    files.wrap = (handle) => ({
      stat: async () => Object.assign(await handle.stat(), { size: 1000 }),
    });
    expect((await read()).text).toBe(TOKEN);
  });

  it('that grew meanwhile gives what cannot be taken for a token', async () => {
    files.write({ token: `${TOKEN}and-more` });
    files.wrap = (handle) => ({
      stat: async () => Object.assign(await handle.stat(), { size: TOKEN.length }),
    });
    // One byte more than the size that it had.
    expect((await read()).text).toBe(`${TOKEN}a`);
  });

  it.each<[string, (handle: TokenFileHandle) => Partial<TokenFileHandle>]>([
    ['was read', () => ({})],
    ['cannot be examined', () => ({ stat: () => Promise.reject(systemError('EIO')) })],
    ['cannot be read', () => ({ read: () => Promise.reject(systemError('EIO')) })],
  ])('that %s is closed', async (_, faults) => {
    files.write({ token: TOKEN });
    files.wrap = faults;
    await read().catch(() => {});
    expect(files.closed).toBe(1);
  });

  it('that is opened after its time is closed, and nothing else is done with it', async () => {
    files.write({ token: TOKEN });
    const ending = new AbortController();
    files.onOpen = () => ending.abort(new Error('too late'));
    const stat = vi.fn();
    files.wrap = () => ({ stat });
    await expect(readTokenFile(files.fs, '/mnt/tokens/token', ending.signal)).rejects.toThrow('too late');
    expect(files.closed).toBe(1);
    expect(stat).not.toHaveBeenCalled();
    await expect(readTokenFile(files.fs, '/mnt/tokens/token', ending.signal)).rejects.toThrow('too late');
    expect(files.opened).toHaveLength(1);
  });

  it('that is neither a file nor a directory is told', async () => {
    files.write({ token: TOKEN });
    files.wrap = (handle) => ({ stat: async () => Object.assign(await handle.stat(), { isFile: () => false }) });
    await expect(read()).rejects.toMatchObject({ code: 'ERR_TOKEN_NOT_A_FILE', path: '/mnt/tokens/token' });
    expect(files.closed).toBe(1);
  });
});

describe('a file that is missing for a moment', () => {
  it.each([
    [1, 'is found by the next attempt'],
    [4, 'is found by the fifth'],
  ])('(%i attempts) %s', async (times) => {
    files.write({ token: TOKEN });
    files.onOpen = () => {
      if (files.opened.length <= times) throw systemError('ENOENT');
    };
    expect((await read()).text).toBe(TOKEN);
    expect(files.opened).toHaveLength(times + 1);
  });

  it('is told after five attempts, ever further apart', async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const startMs = Date.now();
    const atMs: number[] = [];
    files.onOpen = () => void atMs.push(Date.now() - startMs);
    const outcome = expect(read()).rejects.toMatchObject({
      code: 'ERR_TOKEN_NOT_FOUND',
      path: '/mnt/tokens/token',
      cause: { code: 'ENOENT' },
    });
    await vi.advanceTimersByTimeAsync(100);
    await outcome;
    expect(atMs).toEqual([0, 1, 3, 7, 15]);
  });

  it.each(['EACCES', 'EIO', 'ELOOP'])('is not looked for again for another reason (%s)', async (code) => {
    files.onOpen = () => {
      throw systemError(code);
    };
    await expect(read()).rejects.toMatchObject({ cause: { code } });
    expect(files.opened).toHaveLength(1);
  });

  it('of a directory is found, too: the swap fell between the listing and the file', async () => {
    files.write({ token: TOKEN, namespace: 'shop' });
    let faults = 1;
    files.onOpen = (path) => {
      if (path.endsWith('/token') && faults-- > 0) throw systemError('ENOENT');
    };
    expect(await read('/mnt/tokens')).toMatchObject({ text: TOKEN, file: '/mnt/tokens/token' });
  });
});
