import nodeFs from 'node:fs';
import { errnoCode } from './token-file-error.js';
import type { TokenFileSystem } from './token-file-system.js';
import {
  type StopWatching,
  type WatchDirectory,
  watchDirectoryWith,
  watchDirectoryWithChokidar,
} from './watch-directory.js';

/**
 * `watching`: events tell of changes. `missing`: the directory is not there (yet). `failed`: the system does not let us
 * watch, for instance because it is out of inotify watches (ENOSPC) or instances (EMFILE).
 */
export type DirectoryWatchState = 'starting' | 'watching' | 'missing' | 'failed';

/** One user of a {@link DirectoryWatch}. */
export interface DirectoryWatchSubscriber {
  /** The directory may hold something new: read again. Also called after each time the watch was armed. */
  onChange(): void;
  /** The state changed; `error` is why the directory cannot be watched. */
  onState(state: DirectoryWatchState, error?: unknown): void;
}

/** A user's hold on the shared watch of a directory. */
export interface DirectoryWatchSubscription {
  readonly directory: string;
  readonly state: DirectoryWatchState;
  /** Why the directory cannot be watched, in the state `failed`. */
  readonly failure: unknown;
  /** Settles when the watch was armed, or could not be, for the first time. Never rejects. */
  readonly started: Promise<void>;
  /** Looks whether the watch still sees the directory, and arms it anew if it does not. Never rejects. */
  check(): Promise<void>;
  /** Arms the watch anew, whatever it seems to be: a change came to light that it did not tell. Never rejects. */
  rearm(): Promise<void>;
  /** Lets go of it; the last to do so stops the watch. Resolves when that has stopped. */
  unsubscribe(): Promise<void>;
}

const watches = new WeakMap<TokenFileSystem, Map<string, DirectoryWatch>>();

/** Joins the one watch that this process keeps on a directory, and starts it if nobody did before. */
export function subscribeToDirectory(
  fs: TokenFileSystem,
  directory: string,
  subscriber: DirectoryWatchSubscriber,
): DirectoryWatchSubscription {
  const byDirectory = watches.get(fs) ?? new Map<string, DirectoryWatch>();
  watches.set(fs, byDirectory);
  const forget = () => byDirectory.delete(directory);
  const watchDirectory = fs === nodeFs ? watchDirectoryWithChokidar : watchDirectoryWith(fs);
  const watch = byDirectory.get(directory) ?? new DirectoryWatch(fs, directory, watchDirectory, forget);
  byDirectory.set(directory, watch);
  return watch.subscribe(subscriber);
}

/**
 * The watch of one directory, whoever uses it. A watch goes blind without a word when its directory is removed and made
 * again, so it remembers which directory it was armed on, and is armed anew when another one is in its place.
 */
class DirectoryWatch {
  state: DirectoryWatchState = 'starting';
  failure: unknown;
  readonly started: Promise<void>;
  readonly #subscribers = new Set<DirectoryWatchSubscriber>();
  #stop: StopWatching | undefined;
  #identity: string | undefined;
  #working: Promise<void> | undefined;
  #closed = false;

  constructor(
    private readonly fs: TokenFileSystem,
    readonly directory: string,
    private readonly watchDirectory: WatchDirectory,
    private readonly forget: () => void,
  ) {
    this.started = this.#exclusively(() => this.#arm());
  }

  subscribe(subscriber: DirectoryWatchSubscriber): DirectoryWatchSubscription {
    this.#subscribers.add(subscriber);
    const watch = (): DirectoryWatch => this;
    return {
      directory: this.directory,
      started: this.started,
      get state() {
        return watch().state;
      },
      get failure() {
        return watch().failure;
      },
      check: () => this.#exclusively(() => this.#check()),
      rearm: () => this.#afterwards(() => this.#arm()),
      unsubscribe: async () => {
        if (this.#subscribers.delete(subscriber) && this.#subscribers.size === 0) await this.#close();
      },
    };
  }

  /** Arming and checking never overlap; who asks while one is under way gets that one. */
  #exclusively(work: () => Promise<void>): Promise<void> {
    this.#working ??= work().finally(() => {
      this.#working = undefined;
    });
    return this.#working;
  }

  /** For what the work under way would not do, or may have seen too early. */
  async #afterwards(work: () => Promise<void>): Promise<void> {
    await this.#working;
    await this.#exclusively(work);
  }

  async #check(): Promise<void> {
    const identity = await this.#readIdentity();
    if (this.state !== 'watching' || identity !== this.#identity) await this.#arm();
  }

  async #arm(): Promise<void> {
    await this.#disarm();
    try {
      const before = await this.fs.promises.stat(this.directory);
      if (this.#closed) return;
      const stop = await this.watchDirectory(this.directory, {
        onEvent: () => this.#tellChange(),
        onSelfEvent: () => void this.#afterwards(() => this.#check()),
        onError: (error) => this.#fail(error),
      });
      if (this.#closed) return stop();
      this.#stop = stop;
      this.#identity = identityOf(before);
      this.#setState('watching');
      // What changed before the watch was armed, no event will tell.
      this.#tellChange();
    } catch (error) {
      if (errnoCode(error) === 'ENOENT') this.#setState('missing');
      else this.#fail(error);
    }
  }

  #readIdentity(): Promise<string | undefined> {
    return this.fs.promises.stat(this.directory).then(identityOf, () => undefined);
  }

  #fail(error: unknown): void {
    void this.#disarm();
    this.#setState('failed', error);
  }

  #setState(state: DirectoryWatchState, failure?: unknown): void {
    this.failure = failure;
    if (state === this.state) return;
    this.state = state;
    for (const subscriber of [...this.#subscribers]) subscriber.onState(state, failure);
  }

  #tellChange(): void {
    for (const subscriber of [...this.#subscribers]) subscriber.onChange();
  }

  async #disarm(): Promise<void> {
    const stop = this.#stop;
    this.#stop = undefined;
    this.#identity = undefined;
    await stop?.();
  }

  async #close(): Promise<void> {
    this.#closed = true;
    this.forget();
    // A watch that is being armed right now stops itself.
    await Promise.all([this.#disarm(), this.#working]);
  }
}

/** Tells a directory from another one made in its place: file systems give inode numbers out again at once. */
function identityOf(stats: { dev: unknown; ino: unknown; birthtimeMs: unknown }): string {
  return `${stats.dev}:${stats.ino}:${stats.birthtimeMs}`;
}
