import type { TokenDirectoryWatcher, TokenFileSystem } from 'projected-token';

/** A watch that a test makes tell what it wants. */
export class ScriptedWatch implements TokenDirectoryWatcher {
  isClosed = false;
  #onError: (error: Error) => void = () => {};

  constructor(readonly tell: (filename: string | null) => void) {}

  on(_: 'error', listener: (error: Error) => void): void {
    this.#onError = listener;
  }

  fail(error: Error): void {
    this.#onError(error);
  }

  close(): void {
    this.isClosed = true;
  }
}

/** A file system of directories that can be examined and watched as a test allows. */
export class ScriptedDirectory implements TokenFileSystem {
  readonly watches: ScriptedWatch[] = [];
  readonly watched: unknown[] = [];
  /** What tells this directory from another one in its place. */
  identity = { dev: 1, ino: 1, birthtimeMs: 1 };
  statError: Error | undefined;
  watchError: Error | undefined;
  stats = 0;
  /** Is waited for before each look at the directory. */
  beforeStat: () => Promise<void> | undefined = () => undefined;

  readonly promises = {
    stat: async () => {
      this.stats++;
      await this.beforeStat();
      if (this.statError !== undefined) throw this.statError;
      return { ...this.identity, mode: 0, uid: 0, gid: 0, size: 0, isFile: () => false, isDirectory: () => true };
    },
    open: () => Promise.reject(new Error('not here')),
    readdir: () => Promise.reject(new Error('not here')),
    readlink: () => Promise.reject(new Error('not here')),
  };

  watch(directory: string, options: object, listener: (event: string, filename: string | null) => void): ScriptedWatch {
    if (this.watchError !== undefined) throw this.watchError;
    const watch = new ScriptedWatch((filename) => listener('rename', filename));
    this.watched.push([directory, options]);
    this.watches.push(watch);
    return watch;
  }

  get open(): ScriptedWatch[] {
    return this.watches.filter(({ isClosed }) => !isClosed);
  }
}
