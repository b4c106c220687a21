import nodeFs from 'node:fs';
import { isProjectedTokenError } from '../internal/is-projected-token-error.js';
import { RateCeiling } from '../internal/rate-ceiling.js';
import { errnoCode } from './token-file-error.js';
import type { TokenFileSystem } from './token-file-system.js';
import { VolumeAccess } from './volume-access.js';
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

/**
 * How often a second, in the long run and after a rest at once, events of the directory itself lead to a look at it: each
 * costs a stat, and a program that changes the mode of the directory in a loop must not cost a core.
 */
const CHECKS_PER_SECOND = 10;

/** One user of a {@link DirectoryWatch}. */
export interface DirectoryWatchSubscriber {
  /** The watch was armed: what changed before, no event told. */
  onArmed(): void;
  /**
   * The directory may hold something new.
   *
   * @param filename - the entry that changed, or the directory itself; null where the system does not tell
   */
  onChange(filename: string | null): void;
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
  readonly #access: VolumeAccess;
  readonly #selfEvents = new RateCeiling(CHECKS_PER_SECOND, CHECKS_PER_SECOND, () => {
    void this.#afterwards(() => this.#check());
  });

  constructor(
    private readonly fs: TokenFileSystem,
    readonly directory: string,
    private readonly watchDirectory: WatchDirectory,
    private readonly forget: () => void,
  ) {
    this.#access = new VolumeAccess(fs, directory, directory);
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
    if (this.state !== 'watching') return this.#arm();
    try {
      const stats = await this.#access.run(() => this.fs.promises.stat(this.directory));
      if (identityOf(stats) === this.#identity) return;
    } catch (error) {
      // A volume that does not answer is not another one: the watch sees it again when it does.
      if (isProjectedTokenError(error)) return;
    }
    await this.#arm();
  }

  async #arm(): Promise<void> {
    await this.#disarm();
    try {
      await this.#access.run((signal) => this.#watch(signal));
    } catch (error) {
      if (errnoCode(error) === 'ENOENT') this.#setState('missing');
      else this.#fail(error);
    }
  }

  /** @param signal - once it has aborted, a watch that the system gives late is only ended */
  async #watch(signal: AbortSignal): Promise<void> {
    const before = await this.fs.promises.stat(this.directory);
    if (this.#closed || signal.aborted) return;
    const stop = await this.watchDirectory(this.directory, {
      onEvent: (filename) => this.#tell((subscriber) => subscriber.onChange(filename)),
      onSelfEvent: () => this.#selfEvents.request(),
      onError: (error) => this.#fail(error),
    });
    if (this.#closed || signal.aborted) return stop();
    this.#stop = stop;
    this.#identity = identityOf(before);
    this.#setState('watching');
    this.#tell((subscriber) => subscriber.onArmed());
  }

  #fail(error: unknown): void {
    void this.#disarm();
    this.#setState('failed', error);
  }

  #setState(state: DirectoryWatchState, failure?: unknown): void {
    this.failure = failure;
    if (state === this.state) return;
    this.state = state;
    this.#tell((subscriber) => subscriber.onState(state, failure));
  }

  #tell(event: (subscriber: DirectoryWatchSubscriber) => void): void {
    for (const subscriber of [...this.#subscribers]) event(subscriber);
  }

  async #disarm(): Promise<void> {
    const stop = this.#stop;
    this.#stop = undefined;
    this.#identity = undefined;
    await stop?.();
  }

  async #close(): Promise<void> {
    this.#closed = true;
    this.#selfEvents.stop();
    this.forget();
    // A watch that is being armed right now stops itself.
    await Promise.all([this.#disarm(), this.#working]);
  }
}

/** Tells a directory from another one made in its place: file systems give inode numbers out again at once. */
function identityOf(stats: { dev: unknown; ino: unknown; birthtimeMs: unknown }): string {
  return `${stats.dev}:${stats.ino}:${stats.birthtimeMs}`;
}
