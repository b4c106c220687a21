import { readTokenFile, type TokenFileContent } from './read-token-file.js';
import type { TokenFileSystem } from './token-file-system.js';
import type { VolumeAccess } from './volume-access.js';

/** Reads that have not begun, by file system and path. */
const waiting = new WeakMap<TokenFileSystem, Map<string, Promise<TokenFileContent>>>();

/**
 * Reads a token file when it is its turn, once for all who ask before the read begins: a thousand providers of one file
 * cost a rotation one read.
 *
 * @throws as {@link readTokenFile} and {@link VolumeAccess.run}
 */
export function readShared(access: VolumeAccess, fs: TokenFileSystem, path: string): Promise<TokenFileContent> {
  const byPath = waiting.get(fs) ?? new Map<string, Promise<TokenFileContent>>();
  waiting.set(fs, byPath);
  const due = byPath.get(path);
  if (due !== undefined) return due;
  // A turn later: all who ask in this turn share it, also where the lane is free.
  const reading = Promise.resolve().then(() =>
    access.run((signal) => {
      forget();
      return readTokenFile(fs, path, signal);
    }),
  );
  const forget = () => {
    if (byPath.get(path) === reading) byPath.delete(path);
  };
  byPath.set(path, reading);
  // One that never had its turn.
  reading.then(forget, forget);
  return reading;
}
