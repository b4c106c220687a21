import nodeFs from 'node:fs';
import { basename } from 'node:path';
import type { TokenFileSystem } from './token-file-system.js';

/** What a watch tells. An event only ever means "read again": what it says about the kind of change is not trusted. */
export interface DirectoryWatchListener {
  /**
   * Something changed in the directory.
   *
   * @param filename - the entry, or the directory itself; null where the system does not tell
   */
  onEvent(filename: string | null): void;
  /** The directory itself changed: it was removed, unmounted or replaced, and this watch may be blind from now on. */
  onSelfEvent(): void;
  /** The watch is broken. */
  onError(error: unknown): void;
}

/** Stops a watch; resolves when it has. */
export type StopWatching = () => void | Promise<void>;

/** Starts to watch a directory; resolves when every later change will be told, rejects when it cannot be watched. */
export type WatchDirectory = (directory: string, listener: DirectoryWatchListener) => Promise<StopWatching>;

/**
 * Watches with chokidar, on the real file system.
 *
 * Only the directory itself, never its entries: a watch on a file dies at the first swap. So chokidar is asked for one
 * directory and to ignore what is in it, and its `raw` events are used, one for each event of the system: the events that
 * it derives from comparing listings are throttled, and of two swaps that come soon after another it tells one.
 *
 * Those listings it would make anew for as long as events come, with an lstat of each entry, and throw them away: beside a
 * busy file 26 % of a core at 850 events a second. It makes none where its throttle says that one was made just now.
 */
export const watchDirectoryWithChokidar: WatchDirectory = async (directory, listener) => {
  // Loaded with the first watch: it would be a third of what this package costs to import, and a test in memory never needs
  // it. Without a free descriptor it cannot be loaded, and Node 20 does not try a second time.
  const chokidar = await import('chokidar').catch(() => undefined);
  if (chokidar === undefined) return watchDirectoryWith(nodeFs)(directory, listener);
  return new Promise((resolve, reject) => {
    const watcher = chokidar.watch(directory, {
      persistent: false,
      depth: 0,
      atomic: false,
      ignored: (path) => path !== directory,
    });
    watcher._throttle = () => false;
    const stop = () => watcher.close();
    let ready = false;
    watcher.on('raw', (_event, filename) => tell(listener, directory, filename));
    watcher.once('ready', () => {
      ready = true;
      resolve(stop);
    });
    watcher.on('error', (error) => {
      void stop();
      if (ready) listener.onError(error);
      else reject(error);
    });
  });
};

/** Watches with the `watch` of a file system given by the user, such as memfs. */
export function watchDirectoryWith(fs: TokenFileSystem): WatchDirectory {
  return async (directory, listener) => {
    const watcher = fs.watch(directory, { persistent: false }, (_event, filename) =>
      tell(listener, directory, filename),
    );
    watcher.on('error', (error) => {
      watcher.close();
      listener.onError(error);
    });
    return () => watcher.close();
  };
}

function tell(listener: DirectoryWatchListener, directory: string, filename: string | null): void {
  listener.onEvent(filename);
  if (isOfItself(directory, filename)) listener.onSelfEvent();
}

/**
 * Returns whether an event may be of the directory itself: inotify's IN_DELETE_SELF, IN_MOVE_SELF, IN_UNMOUNT and
 * IN_IGNORED reach Node as an event of the directory's own name, on other systems as one without a name.
 */
export function isOfItself(directory: string, filename: string | null): boolean {
  return filename === null || filename === basename(directory);
}
