import { constants } from 'node:fs';
import { join } from 'node:path';
import { TokenFileError } from '../errors.js';
import { isProjectedTokenError } from '../internal/is-projected-token-error.js';
import { MAX_TOKEN_BYTES } from '../token/max-token-bytes.js';
import { isCompactJws } from '../token/parse-jwt.js';
import { locateVolume, type VolumeLocation } from './locate-volume.js';
import { errnoCode, errnoPath, notAFile, tokenFileError } from './token-file-error.js';
import type { TokenFileHandle, TokenFileSystem } from './token-file-system.js';

/** What a read of the token file gave. */
export interface TokenFileContent extends VolumeLocation {
  /** The file that was read: the one asked for, or the one found in the directory asked for. */
  readonly file: string;
  /** Its text without surrounding white space: the kubelet writes none, editors and `echo` do. */
  readonly text: string;
}

/**
 * Pauses before further attempts at a missing file, in milliseconds. A path lookup through the two links of a projected
 * volume is not atomic: under constant rotation one open in 14,000 finds that the old directory is gone, and an attempt
 * after it finds the new one. On Windows a swap leaves no file for about a millisecond.
 */
const ATTEMPT_PAUSES_MS = [1, 2, 4, 8];

/** `O_NONBLOCK`: opening a fifo without a writer must not hang. Windows has neither. */
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/**
 * Reads a token file, one file operation after the other.
 *
 * @param path - the token file, or a mount directory that holds exactly one token
 * @param signal - nobody waits for the outcome once it has aborted: what is open is closed, and nothing more is begun
 * @throws {@link TokenFileError} for everything that keeps it from giving a text that may be a token
 */
export async function readTokenFile(
  fs: TokenFileSystem,
  path: string,
  signal?: AbortSignal,
): Promise<TokenFileContent> {
  for (const pauseMs of [...ATTEMPT_PAUSES_MS, undefined]) {
    try {
      return await readOnce(fs, path, signal);
    } catch (error) {
      signal?.throwIfAborted();
      if (isProjectedTokenError(error)) throw error;
      // Of a directory it is mostly the token in it that may not be read.
      if (errnoCode(error) !== 'ENOENT') throw await tokenFileError(fs, errnoPath(error) ?? path, error);
      if (pauseMs === undefined) throw await tokenFileError(fs, path, error);
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
  throw new Error('unreachable');
}

async function readOnce(fs: TokenFileSystem, path: string, signal: AbortSignal | undefined): Promise<TokenFileContent> {
  const bytes = await readBytes(fs, path, signal);
  if (bytes !== 'directory') return { ...(await locateVolume(fs, path)), file: path, text: textOf(bytes, path) };
  const found = await findToken(fs, path, signal);
  return { ...(await locateVolume(fs, found.file)), ...found };
}

/** The one token of a mount directory. The auto-mounted volume holds `ca.crt` and `namespace` beside it. */
async function findToken(
  fs: TokenFileSystem,
  directory: string,
  signal: AbortSignal | undefined,
): Promise<{ file: string; text: string }> {
  // The kubelet's own entries (`..data`, the timestamped directories); a payload path cannot start like that
  // (kubelet atomic_writer.go, validatePath).
  const names = (await fs.promises.readdir(directory)).map(String).filter((name) => !name.startsWith('..'));
  const files = names.sort().map((name) => join(directory, name));
  const [only] = files;
  if (only === undefined) {
    throw new TokenFileError(
      'ERR_TOKEN_NOT_FOUND',
      `${directory} is empty: no token was projected into it. Add a serviceAccountToken source to the volume that is mounted there.`,
      { path: directory },
    );
  }
  if (files.length === 1) {
    const bytes = await readBytes(fs, only, signal);
    if (bytes === 'directory') throw notAFile(only);
    return { file: only, text: textOf(bytes, only) };
  }
  const tokens: { file: string; text: string }[] = [];
  let failure: unknown;
  for (const file of files) {
    try {
      const text = await readCandidate(fs, file, signal);
      if (text !== undefined) tokens.push({ file, text });
    } catch (error) {
      // One that vanished means a swap under way; one that cannot be read need not be the token.
      if (errnoCode(error) === 'ENOENT') throw error;
      failure = error;
    }
  }
  if (tokens.length === 1) return tokens[0]!;
  if (tokens.length === 0 && failure !== undefined) throw failure;
  throw new TokenFileError(
    tokens.length === 0 ? 'ERR_TOKEN_NOT_FOUND' : 'ERR_TOKEN_AMBIGUOUS',
    `${directory} holds ${tokens.length === 0 ? 'no token' : `${tokens.length} tokens`} among ${names.slice(0, 20).join(', ')}. ` +
      'Set the option "path" to the token file itself.',
    { path: directory },
  );
}

/** The text of a file that may be the token; undefined when its content is none. */
async function readCandidate(
  fs: TokenFileSystem,
  file: string,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  try {
    const bytes = await readBytes(fs, file, signal);
    if (bytes === 'directory') return undefined;
    const text = textOf(bytes, file);
    return isCompactJws(text) ? text : undefined;
  } catch (error) {
    if (isProjectedTokenError(error)) return undefined;
    throw error;
  }
}

async function readBytes(
  fs: TokenFileSystem,
  path: string,
  signal: AbortSignal | undefined,
): Promise<Buffer | 'directory'> {
  signal?.throwIfAborted();
  const handle = await fs.promises.open(path, OPEN_FLAGS);
  try {
    signal?.throwIfAborted();
    return await readHandle(handle, path);
  } finally {
    await handle.close();
  }
}

async function readHandle(handle: TokenFileHandle, path: string): Promise<Buffer | 'directory'> {
  const stats = await handle.stat();
  if (stats.isDirectory()) return 'directory';
  if (!stats.isFile()) throw notAFile(path);
  if (Number(stats.size) > MAX_TOKEN_BYTES) throw tooLarge(path);
  // One byte more than the size just seen shows whether a file that is written in place has grown meanwhile; what was
  // read of it then is no token, and the event of that write leads to the next read.
  const size = Number(stats.size);
  const buffer = Buffer.allocUnsafe(size + 1);
  let length = 0;
  while (length < size) {
    const { bytesRead } = await handle.read(buffer, length, buffer.length - length, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return buffer.subarray(0, length);
}

function textOf(bytes: Buffer, path: string): string {
  const text = bytes.toString('utf8').trim();
  if (text === '') {
    throw new TokenFileError('ERR_TOKEN_EMPTY', `${path} is empty. A kubelet never writes that: find out what did.`, {
      path,
    });
  }
  return text;
}

function tooLarge(path: string): TokenFileError {
  return new TokenFileError(
    'ERR_TOKEN_TOO_LARGE',
    `${path} is larger than ${MAX_TOKEN_BYTES / 1024} KiB, so it is not a service account token. Check the option "path".`,
    { path },
  );
}
