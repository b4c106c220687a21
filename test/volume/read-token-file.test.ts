import { constants } from 'node:fs';
import { createFsFromVolume, Volume } from 'memfs';
import type { TokenFileHandle, TokenFileSystem } from 'projected-token';
import { TokenVolume } from 'projected-token/testing';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { MAX_TOKEN_BYTES, readTokenFile } from '../../src/volume/read-token-file.js';
import { systemError } from '../helpers/faulty-file-system.js';

const TOKEN = 'aaa.bbb.ccc';

let memory: ReturnType<typeof createFsFromVolume>;
/** What happens before a file is opened. */
let onOpen: (path: string, flags: number) => void;
/** What a file that was opened is like. */
let wrap: (handle: TokenFileHandle) => Partial<TokenFileHandle>;
let closed: number;
let opened: string[];

beforeEach(() => {
  memory = createFsFromVolume(new Volume());
  memory.mkdirSync('/mnt/tokens', { recursive: true });
  onOpen = () => {};
  wrap = () => ({});
  closed = 0;
  opened = [];
});

/** memfs, with what a test lets happen in between. */
const fs: TokenFileSystem = {
  promises: {
    open: async (path, flags) => {
      opened.push(path);
      onOpen(path, flags);
      const handle = (await memory.promises.open(path, flags)) as unknown as TokenFileHandle;
      const bound: TokenFileHandle = {
        stat: () => handle.stat(),
        read: (...args) => handle.read(...args),
        close: () => {
          closed++;
          return handle.close();
        },
      };
      return { ...bound, ...wrap(bound) };
    },
    // In no order, as file systems have it.
    readdir: async (path) => (await memory.promises.readdir(path)).reverse(),
    readlink: (path) => memory.promises.readlink(path),
    stat: (path) => memory.promises.stat(path) as never,
  },
  watch: () => ({ on: () => {}, close: () => {} }),
};

const read = (path = '/mnt/tokens/token') => readTokenFile(fs, path);

function write(files: Record<string, string | Buffer>): void {
  for (const [name, content] of Object.entries(files)) memory.writeFileSync(`/mnt/tokens/${name}`, content);
}

describe('a file', () => {
  it('gives its text, and where its volume is', async () => {
    write({ token: TOKEN });
    expect(await read()).toEqual({ text: TOKEN, file: '/mnt/tokens/token', directory: '/mnt/tokens', kind: 'regular' });
    new TokenVolume({ directory: '/mnt/volume', fs: memory }).write(TOKEN);
    expect(await read('/mnt/volume/vault-token')).toEqual({
      text: TOKEN,
      file: '/mnt/volume/vault-token',
      directory: '/mnt/volume',
      kind: 'projected',
    });
  });

  it.each([`${TOKEN}\n`, `\r\n ${TOKEN}\t\r\n`, `\ufeff${TOKEN}`])(
    '(%j) gives its text without white space around it',
    async (text) => {
      write({ token: text });
      expect((await read()).text).toBe(TOKEN);
    },
  );

  it('gives any text: what it means is for others to say', async () => {
    write({ token: 'no token at all' });
    expect((await read()).text).toBe('no token at all');
  });

  it.each(['', ' ', '\n\r\n\t '])('(%j) that is empty is told', async (text) => {
    write({ token: text });
    await expect(read()).rejects.toMatchObject({
      code: 'ERR_TOKEN_EMPTY',
      path: '/mnt/tokens/token',
      message: expect.stringContaining('/mnt/tokens/token is empty'),
    });
  });

  it('may be as large as 64 KiB, and no larger', async () => {
    expect(MAX_TOKEN_BYTES).toBe(65_536);
    write({ token: 'x'.repeat(65_536) });
    expect((await read()).text).toHaveLength(65_536);
    write({ token: 'x'.repeat(65_537) });
    await expect(read()).rejects.toMatchObject({
      code: 'ERR_TOKEN_TOO_LARGE',
      path: '/mnt/tokens/token',
      message: expect.stringContaining('/mnt/tokens/token is larger than 64 KiB'),
    });
  });

  it('is opened to be read, without a wait for a writer', async () => {
    write({ token: TOKEN });
    const flags = vi.fn();
    onOpen = (_, given) => flags(given);
    await read();
    expect(flags).toHaveBeenCalledWith(constants.O_RDONLY | constants.O_NONBLOCK);
  });

  it('is read at one go', async () => {
    write({ token: TOKEN });
    const reads = vi.fn();
    wrap = (handle) => ({
      read: (...args) => {
        reads();
        return handle.read(...args);
      },
    });
    await read();
    expect(reads).toHaveBeenCalledTimes(1);
  });

  it('that the system gives in pieces is read to its end', async () => {
    write({ token: TOKEN });
    wrap = (handle) => ({
      read: (buffer, offset, length, position) => handle.read(buffer, offset, Math.min(length, 3), position),
    });
    expect((await read()).text).toBe(TOKEN);
  });

  it('that shrank meanwhile gives what there is', async () => {
    write({ token: TOKEN });
    wrap = (handle) => ({
      stat: async () => Object.assign(await handle.stat(), { size: 1000 }),
    });
    expect((await read()).text).toBe(TOKEN);
  });

  it('that grew meanwhile gives what cannot be taken for a token', async () => {
    write({ token: `${TOKEN}and-more` });
    wrap = (handle) => ({
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
    write({ token: TOKEN });
    wrap = faults;
    await read().catch(() => {});
    expect(closed).toBe(1);
  });

  it('that is neither a file nor a directory is told', async () => {
    write({ token: TOKEN });
    wrap = (handle) => ({ stat: async () => Object.assign(await handle.stat(), { isFile: () => false }) });
    await expect(read()).rejects.toMatchObject({ code: 'ERR_TOKEN_NOT_A_FILE', path: '/mnt/tokens/token' });
    expect(closed).toBe(1);
  });
});

describe('a file that is missing for a moment', () => {
  it.each([
    [1, 'is found by the next attempt'],
    [9, 'is found by the tenth'],
  ])('(%i attempts) %s', async (times) => {
    write({ token: TOKEN });
    onOpen = () => {
      if (opened.length <= times) throw systemError('ENOENT');
    };
    expect((await read()).text).toBe(TOKEN);
    expect(opened).toHaveLength(times + 1);
  });

  it('is told after ten attempts', async () => {
    await expect(read()).rejects.toMatchObject({
      code: 'ERR_TOKEN_NOT_FOUND',
      path: '/mnt/tokens/token',
      cause: { code: 'ENOENT' },
    });
    expect(opened).toHaveLength(10);
  });

  it.each(['EACCES', 'EIO', 'ELOOP'])('is not looked for again for another reason (%s)', async (code) => {
    onOpen = () => {
      throw systemError(code);
    };
    await expect(read()).rejects.toMatchObject({ cause: { code } });
    expect(opened).toHaveLength(1);
  });

  it('of a directory is found, too: the swap fell between the listing and the file', async () => {
    write({ token: TOKEN, namespace: 'shop' });
    let faults = 1;
    onOpen = (path) => {
      if (path.endsWith('/token') && faults-- > 0) throw systemError('ENOENT');
    };
    expect(await read('/mnt/tokens')).toMatchObject({ text: TOKEN, file: '/mnt/tokens/token' });
  });
});

describe('a directory', () => {
  it.each<[string, Record<string, string>]>([
    ['the only file', { token: TOKEN }],
    ['the only file, whatever it holds', { token: 'not a token' }],
    ['the token beside others', { token: TOKEN, 'ca.crt': 'certificate', namespace: 'shop' }],
    ['the token beside empty and large files', { token: TOKEN, empty: '', large: 'x'.repeat(65_537) }],
  ])('gives %s', async (_, files) => {
    write(files);
    expect(await read('/mnt/tokens')).toEqual({
      text: files.token,
      file: '/mnt/tokens/token',
      directory: '/mnt/tokens',
      kind: 'regular',
    });
  });

  it('of a projected volume gives the file that is linked in it', async () => {
    new TokenVolume({ directory: '/mnt/volume', fs: memory, files: { namespace: 'shop' } }).write(TOKEN);
    expect(await read('/mnt/volume')).toEqual({
      text: TOKEN,
      file: '/mnt/volume/vault-token',
      directory: '/mnt/volume',
      kind: 'projected',
    });
  });

  it('does not give what is in the directories in it', async () => {
    memory.mkdirSync('/mnt/tokens/folder');
    memory.writeFileSync('/mnt/tokens/folder/token', TOKEN);
    await expect(read('/mnt/tokens')).rejects.toMatchObject({
      code: 'ERR_TOKEN_NOT_A_FILE',
      path: '/mnt/tokens/folder',
    });
    write({ token: TOKEN });
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
  ])('is told (%s) that holds %s', async (code, _, files, message) => {
    write(files);
    await expect(read('/mnt/tokens')).rejects.toMatchObject({
      code,
      path: '/mnt/tokens',
      message: expect.stringMatching(message),
    });
  });

  it('of many files is not listed at any length', async () => {
    write(Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`file-${10 + index}`, 'x'])));
    const message: string = (await read('/mnt/tokens').catch((error) => error)).message;
    expect(message).toContain('file-10, ');
    expect(message).toContain('file-29. ');
    expect(message).not.toContain('file-30');
  });

  const forbid = (...names: string[]) => {
    onOpen = (path) => {
      if (names.some((name) => path.endsWith(`/${name}`))) throw Object.assign(systemError('EACCES'), { path });
    };
  };

  it('is listed again when one of its files vanished: it may have been the token', async () => {
    write({ a: TOKEN, b: TOKEN });
    let faults = 1;
    onOpen = (path) => {
      if (path.endsWith('/b') && faults-- > 0) throw systemError('ENOENT');
    };
    await expect(read('/mnt/tokens')).rejects.toMatchObject({ code: 'ERR_TOKEN_AMBIGUOUS' });
  });

  it('gives the token though a neighbour may not be read', async () => {
    write({ token: TOKEN, secret: 'x', namespace: 'shop' });
    forbid('secret');
    expect(await read('/mnt/tokens')).toMatchObject({ file: '/mnt/tokens/token' });
  });

  it('of several tokens is told as that, though a neighbour may not be read', async () => {
    write({ a: TOKEN, b: TOKEN, secret: 'x' });
    forbid('secret');
    await expect(read('/mnt/tokens')).rejects.toMatchObject({ code: 'ERR_TOKEN_AMBIGUOUS', path: '/mnt/tokens' });
  });

  it('is told with the file in it that may not be read, where no other is the token', async () => {
    write({ token: TOKEN, namespace: 'shop' });
    forbid('token');
    await expect(read('/mnt/tokens')).rejects.toMatchObject({
      code: 'ERR_TOKEN_NOT_READABLE',
      path: '/mnt/tokens/token',
      cause: { code: 'EACCES' },
    });
  });
});
