import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Something that takes the place of an entry of a volume, which was removed before. */
export interface FileFault {
  /** What a reader calls it. */
  readonly code: string;
  /** @param token - what the file held */
  make(path: string, token: string): void;
  readonly isPossible?: boolean;
}

/** What may be where the token file was. */
export const FILE_FAULTS: Readonly<Record<string, FileFault>> = {
  removed: { code: 'ERR_TOKEN_NOT_FOUND', make: () => {} },
  emptied: { code: 'ERR_TOKEN_EMPTY', make: (path) => writeFileSync(path, '') },
  truncated: {
    code: 'ERR_TOKEN_MALFORMED',
    make: (path, token) => writeFileSync(path, token.slice(0, token.lastIndexOf('.') - 10)),
  },
  'replaced by a directory': { code: 'ERR_TOKEN_NOT_FOUND', make: (path) => mkdirSync(path) },
  'replaced by a fifo': { code: 'ERR_TOKEN_NOT_A_FILE', make: (path) => execFileSync('mkfifo', [path]) },
  'replaced by a device': {
    code: 'ERR_TOKEN_NOT_A_FILE',
    make: (path) => execFileSync('mknod', [path, 'c', '1', '5']),
    // Nobody else can make one.
    isPossible: process.getuid?.() === 0,
  },
  'replaced by a link to a device': {
    code: 'ERR_TOKEN_NOT_A_FILE',
    make: (path) => symlinkSync('/dev/zero', path),
  },
  'replaced by a dangling link': { code: 'ERR_TOKEN_NOT_FOUND', make: (path) => symlinkSync('nowhere', path) },
  'replaced by a link to itself': { code: 'ERR_TOKEN_READ_FAILED', make: (path) => symlinkSync(path, path) },
};

/** What may become of `..data`. */
export const DATA_FAULTS: Readonly<Record<string, FileFault>> = {
  removed: { code: 'ERR_TOKEN_NOT_FOUND', make: () => {} },
  dangling: { code: 'ERR_TOKEN_NOT_FOUND', make: (path) => symlinkSync('..nowhere', path) },
  'in a loop': {
    code: 'ERR_TOKEN_READ_FAILED',
    make: (path) => {
      symlinkSync('..loop', path);
      symlinkSync('..data', join(path, '..', '..loop'));
    },
  },
};
