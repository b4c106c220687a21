import nodeFs, { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { TokenFileError } from 'projected-token';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { errnoCode, errnoPath, notAFile, tokenFileError } from '../../src/volume/token-file-error.js';
import { systemError } from '../helpers/faulty-file-system.js';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'token-file-error-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

describe('a failed operation on a token file', () => {
  it.each([
    [
      'ENOENT',
      'ERR_TOKEN_NOT_FOUND',
      /does not exist\. Mount a projected volume.*the kubelet may not have written it yet/,
    ],
    ['ENOTDIR', 'ERR_TOKEN_NOT_FOUND', /does not exist/],
    ['EACCES', 'ERR_TOKEN_NOT_READABLE', /may not be read by this process.*Set securityContext\.fsGroup/],
    ['EPERM', 'ERR_TOKEN_NOT_READABLE', /may not be read/],
    ['ENXIO', 'ERR_TOKEN_NOT_A_FILE', /is not a regular file\. Point the option "path"/],
    ['ENODEV', 'ERR_TOKEN_NOT_A_FILE', /is not a regular file/],
    ['EIO', 'ERR_TOKEN_READ_FAILED', /could not be read \(EIO\)\. The volume or its node has a fault/],
    ['ELOOP', 'ERR_TOKEN_READ_FAILED', /could not be read \(ELOOP\)/],
  ])('(%s) is %s', async (errno, code, message) => {
    const path = join(directory, 'token');
    const cause = systemError(errno);
    const error = await tokenFileError(nodeFs, path, cause);
    expect(error).toBeInstanceOf(TokenFileError);
    expect(error).toMatchObject({ code, path, cause, message: expect.stringMatching(message) });
    expect(error.message.startsWith(`${path} `)).toBe(true);
  });

  it.each([new Error('no code'), 'text', undefined])('of no known kind (%o) is told as such', async (cause) => {
    const error = await tokenFileError(nodeFs, '/mnt/token', cause);
    expect(error).toMatchObject({ code: 'ERR_TOKEN_READ_FAILED', message: expect.stringContaining('(unknown error)') });
  });

  describe('for want of a right', () => {
    afterEach(() => void vi.restoreAllMocks());

    const asProcess = (uid: number, gid: number) => {
      vi.spyOn(process as Required<NodeJS.Process>, 'getuid').mockReturnValue(uid);
      vi.spyOn(process as Required<NodeJS.Process>, 'getgid').mockReturnValue(gid);
    };

    it('is told with the mode and owner of the file, and who asks', async () => {
      const path = join(directory, 'token');
      writeFileSync(path, '');
      chmodSync(path, 0o060);
      const { uid, gid } = nodeFs.statSync(path);
      asProcess(1000, 2000);
      const { message } = await tokenFileError(nodeFs, path, systemError('EACCES'));
      expect(message).toContain(`(mode 0060, owner uid ${uid}, gid ${gid}; process uid 1000, gid 2000)`);
    });

    it('to a directory above is told as that', async () => {
      asProcess(0, 0);
      const { message } = await tokenFileError(nodeFs, join(directory, 'missing', 'token'), systemError('EACCES'));
      expect(message).toContain('(a directory above it cannot be searched; process uid 0, gid 0)');
    });

    it('is told where a system knows no uids, too', async () => {
      const { getuid, getgid } = process;
      Object.assign(process, { getuid: undefined, getgid: undefined });
      try {
        const { message } = await tokenFileError(nodeFs, join(directory, 'missing'), systemError('EACCES'));
        expect(message).toContain('; process uid ?, gid ?)');
      } finally {
        Object.assign(process, { getuid, getgid });
      }
    });
  });
});

describe('what is no file', () => {
  it('has a cause or none', () => {
    expect(notAFile('/mnt/token').cause).toBeUndefined();
    const cause = systemError('ENXIO');
    expect(notAFile('/mnt/token', { cause }).cause).toBe(cause);
  });
});

describe('a system error', () => {
  it('has a code and a path', () => {
    const error = Object.assign(systemError('EIO'), { path: '/mnt/token' });
    expect(errnoCode(error)).toBe('EIO');
    expect(errnoPath(error)).toBe('/mnt/token');
  });

  it('is known by its properties: in Jest it comes from another realm, and is no instance of Error', () => {
    const error = runInNewContext(`Object.assign(new Error(), { code: 'ENOENT', path: '/mnt/token' })`);
    expect(error).not.toBeInstanceOf(Error);
    expect(errnoCode(error)).toBe('ENOENT');
    expect(errnoPath(error)).toBe('/mnt/token');
  });

  it.each([undefined, null, 'EIO', new Error('EIO'), Object.assign(new Error(), { code: 5, path: 7 })])(
    'is none: %o',
    (error) => {
      expect(errnoCode(error)).toBeUndefined();
      expect(errnoPath(error)).toBeUndefined();
    },
  );
});
