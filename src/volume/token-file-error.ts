import type { CauseOption } from '../errors/cause-option.js';
import { TokenFileError } from '../errors.js';
import type { TokenFileSystem } from './token-file-system.js';

/** Says what a failed file operation means for a token file, and what to change. */
export async function tokenFileError(fs: TokenFileSystem, path: string, cause: unknown): Promise<TokenFileError> {
  switch (errnoCode(cause)) {
    case 'ENOENT':
    case 'ENOTDIR':
      return new TokenFileError(
        'ERR_TOKEN_NOT_FOUND',
        `${path} does not exist. Mount a projected volume with a serviceAccountToken source, so that this path is its mount directory ` +
          'or the token in it (volumeMounts.mountPath, serviceAccountToken.path). If it is mounted, the kubelet may not have written it yet.',
        { path, cause },
      );
    case 'EACCES':
    case 'EPERM':
      return new TokenFileError(
        'ERR_TOKEN_NOT_READABLE',
        `${path} may not be read by this process (${await describeAccess(fs, path)}). ` +
          'Set securityContext.fsGroup of the pod to a group of the process: the kubelet then makes the token readable by it.',
        { path, cause },
      );
    case 'ENXIO':
    case 'ENODEV':
      return notAFile(path, { cause });
    default:
      return new TokenFileError(
        'ERR_TOKEN_READ_FAILED',
        `${path} could not be read (${errnoCode(cause) ?? 'unknown error'}). The volume or its node has a fault; the read is tried again soon.`,
        { path, cause },
      );
  }
}

/** The error for a path that is a directory, a fifo, a device or a socket where a file should be. */
export function notAFile(path: string, options?: CauseOption): TokenFileError {
  return new TokenFileError(
    'ERR_TOKEN_NOT_A_FILE',
    `${path} is not a regular file. Point the option "path" at the token file, or at the mount directory of its volume.`,
    { path, ...options },
  );
}

/** Returns the `code` of a Node system error, such as `ENOENT`. */
export function errnoCode(error: unknown): string | undefined {
  return textProperty(error, 'code');
}

/** Returns the `path` of a Node system error: the file that the operation failed on. */
export function errnoPath(error: unknown): string | undefined {
  return textProperty(error, 'path');
}

/** Whatever its class: in Jest the errors of `node:fs` come from another realm, where `instanceof Error` fails. */
function textProperty(error: unknown, name: string): string | undefined {
  const value: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, name) : undefined;
  return typeof value === 'string' ? value : undefined;
}

async function describeAccess(fs: TokenFileSystem, path: string): Promise<string> {
  const process_ = `process uid ${process.getuid?.() ?? '?'}, gid ${process.getgid?.() ?? '?'}`;
  try {
    const { mode, uid, gid } = await fs.promises.stat(path);
    return `mode ${(Number(mode) & 0o7777).toString(8).padStart(4, '0')}, owner uid ${uid}, gid ${gid}; ${process_}`;
  } catch {
    return `a directory above it cannot be searched; ${process_}`;
  }
}
