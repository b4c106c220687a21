import nodeFs from 'node:fs';
import type { TokenFileSystem } from 'projected-token';

/** `node:fs`, with faults that a test lets happen. */
export class FaultyFileSystem implements TokenFileSystem {
  /** What `watch` throws, while set. */
  watchError: Error | undefined;
  /** Watches that tell nothing, while set. */
  isDeaf = false;
  /** Is called before each open of a file. */
  onOpen: () => void | Promise<void> = () => {};
  /** Is called before each read from an open file. */
  onRead: () => void | Promise<void> = () => {};
  /** How many files were opened. */
  opens = 0;
  /** How many watches there were. */
  watches = 0;
  readonly #listeners = new Set<(error: Error) => void>();

  readonly promises: TokenFileSystem['promises'] = {
    open: async (path, flags) => {
      this.opens++;
      await this.onOpen();
      const handle = await nodeFs.promises.open(path, flags);
      return {
        stat: () => handle.stat(),
        read: async (...args) => {
          await this.onRead();
          return handle.read(...args);
        },
        close: () => handle.close(),
      };
    },
    readdir: (path) => nodeFs.promises.readdir(path),
    readlink: (path) => nodeFs.promises.readlink(path),
    stat: (path) => nodeFs.promises.stat(path),
  };

  readonly watch: TokenFileSystem['watch'] = (directory, options, listener) => {
    if (this.watchError !== undefined) throw this.watchError;
    this.watches++;
    const watcher = nodeFs.watch(directory, options, (event, name) => {
      if (!this.isDeaf) listener(event, name);
    });
    const fail = (error: Error) => watcher.emit('error', error);
    this.#listeners.add(fail);
    watcher.once('close', () => this.#listeners.delete(fail));
    return watcher;
  };

  /** Breaks the watches that there are. */
  breakWatches(error: Error): void {
    for (const fail of [...this.#listeners]) fail(error);
  }
}

/** An error as `node:fs` makes it. */
export function systemError(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: injected`), { code });
}
