import { basename, dirname, resolve } from 'node:path';
import type { TokenFileSystem } from './token-file-system.js';

/** Where a token file lives. */
export interface VolumeLocation {
  /** The directory whose events tell of a new token. */
  readonly directory: string;
  /**
   * `projected`: a link into `..data`, which the kubelet swaps at each rotation. `regular`: a plain file, such as a
   * `subPath` mount, which is never updated, or a file of a developer's own.
   */
  readonly kind: 'projected' | 'regular';
  /** Name of the entry of the directory that leads to the token: the file, or the link into `..data`. */
  readonly entry: string;
}

// As many links as Linux itself follows (path_resolution(7), ELOOP).
const MAX_LINKS = 40;

/**
 * Finds the volume of a token file by reading links, never by resolving the path: between resolving and using a real
 * path the kubelet removes it, at one rotation in ninety.
 *
 * The kubelet links the first component of a path within the volume: `vault-token` to `..data/vault-token`, and for
 * `teams/a/token` the link `teams` to `..data/teams` (kubelet atomic_writer.go, createUserVisibleFiles).
 */
export async function locateVolume(fs: TokenFileSystem, file: string): Promise<VolumeLocation> {
  let candidate = resolve(file);
  for (let links = 0; links < MAX_LINKS; links++) {
    const target = await readLink(fs, candidate);
    const entry = isDataLink(candidate, target) ? candidate : await findDataLink(fs, dirname(candidate));
    if (entry !== undefined) return { directory: dirname(entry), kind: 'projected', entry: basename(entry) };
    if (target === undefined) break;
    candidate = resolve(dirname(candidate), target);
  }
  return { directory: dirname(candidate), kind: 'regular', entry: basename(candidate) };
}

async function findDataLink(fs: TokenFileSystem, path: string): Promise<string | undefined> {
  for (let entry = path; dirname(entry) !== entry; entry = dirname(entry)) {
    if (isDataLink(entry, await readLink(fs, entry))) return entry;
  }
  return undefined;
}

/** A link into `..data`, or `..data` itself: a path that goes through it must not be taken for a directory that stays. */
function isDataLink(path: string, target: string | undefined): boolean {
  return target !== undefined && (target.split(/[\\/]/, 1)[0] === '..data' || basename(path) === '..data');
}

/** Undefined for what is no link, or gone: reading the file itself says what is wrong. */
function readLink(fs: TokenFileSystem, path: string): Promise<string | undefined> {
  return fs.promises.readlink(path).then(String, () => undefined);
}
