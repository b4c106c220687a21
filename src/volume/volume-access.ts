import nodeFs from 'node:fs';
import { dirname, join } from 'node:path';
import { TokenFileError } from '../errors.js';
import { withDeadline } from '../internal/deadline.js';
import { Lane } from './lane.js';
import { deviceOf, readMounts } from './mounts.js';
import type { TokenFileSystem } from './token-file-system.js';

/**
 * How long file work on a volume may take, in milliseconds, the wait for its turn included. A healthy volume (tmpfs)
 * answers within a millisecond, a node that swaps within a second; more than 3 s leaves a request that waits for a token
 * too little of the 10 s that it commonly has, and the next attempt too little of the 29 s that a rotation can leave.
 */
export const VOLUME_TIMEOUT_MS = 3000;

/** As many links as Linux itself follows (path_resolution(7), ELOOP). */
const MAX_LINKS = 40;

const lanes = new WeakMap<TokenFileSystem, Map<string, Lane>>();

/**
 * File work on the volume that a path leads into, with a time limit, and one after the other for all who work on it.
 *
 * On Linux all directories of one mounted file system share a lane, by its device number, so a mount that does not answer
 * holds one thread of libuv's pool and no healthy one waits for it. Where the system does not tell its mounts, and with a
 * file system of the user's own, each directory has a lane.
 */
export class VolumeAccess {
  /** Key of the lane; kept for as long as the work succeeds, for a mount can come and go. */
  #key: string | undefined;

  /**
   * @param path - what the work is on
   * @param directory - names the lane where the system does not tell its mounts; to be set once a read has shown in which
   * directory the file is, so that reading it and watching that directory share a lane
   */
  constructor(
    private readonly fs: TokenFileSystem,
    private readonly path: string,
    public directory: string = dirname(path),
  ) {}

  /**
   * Runs file work when it is its turn.
   *
   * @param work - runs its file operations one after the other; work that comes back after its time only cleans up, which
   * the signal tells it
   * @throws `ERR_TOKEN_READ_FAILED` when the volume did not answer within {@link VOLUME_TIMEOUT_MS}; what the work throws
   */
  async run<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const toError = () => silentVolume(this.path);
    try {
      return await withDeadline(
        async (signal) => {
          this.#key ??= (await findDevice(this.fs, this.path, signal, toError)) ?? this.directory;
          return laneOf(this.fs, this.#key).enter(() => work(signal), signal, toError);
        },
        { timeoutMs: VOLUME_TIMEOUT_MS, toError },
      );
    } catch (error) {
      this.#key = undefined;
      throw error;
    }
  }
}

/** The error for a volume that does not answer. */
function silentVolume(path: string): TokenFileError {
  const message =
    `${path} cannot be read: its volume did not answer within ${VOLUME_TIMEOUT_MS / 1000} s. ` +
    'Check the mount and the node; the file is read again as soon as the volume answers.';
  return new TokenFileError('ERR_TOKEN_READ_FAILED', message, { path });
}

function laneOf(fs: TokenFileSystem, key: string): Lane {
  const byKey = lanes.get(fs) ?? new Map<string, Lane>();
  lanes.set(fs, byKey);
  const lane = byKey.get(key) ?? new Lane(() => byKey.delete(key));
  byKey.set(key, lane);
  return lane;
}

/**
 * Finds the device that a path leads to; undefined where the system does not tell. Links on the way are read component by component, each in the lane of the mount that it lies
 * on: resolving the path at one go could itself get stuck, in a lane of nobody.
 */
async function findDevice(
  fs: TokenFileSystem,
  path: string,
  signal: AbortSignal,
  toError: () => Error,
): Promise<string | undefined> {
  const mounts = fs === nodeFs ? readMounts() : undefined;
  if (mounts === undefined) return undefined;
  const pending = path.split('/');
  let resolved = '/';
  for (let links = 0; pending.length > 0 && links <= MAX_LINKS; ) {
    const name = pending.shift()!;
    const next = join(resolved, name);
    // The empty name, "." and ".." are resolved by now.
    if (next === resolved || name === '..') {
      resolved = next;
      continue;
    }
    const lane = laneOf(fs, deviceOf(next, mounts) ?? next);
    const target = await lane.enter(() => readLink(fs, next), signal, toError);
    if (target === undefined) {
      resolved = next;
      continue;
    }
    links++;
    pending.unshift(...target.split('/'));
    if (target.startsWith('/')) resolved = '/';
  }
  return deviceOf(resolved, mounts);
}

/** Undefined for what is no link, or missing. */
function readLink(fs: TokenFileSystem, path: string): Promise<string | undefined> {
  return fs.promises.readlink(path).then(String, () => undefined);
}
