import { dirname } from 'node:path';
import { RateCeiling } from '../internal/rate-ceiling.js';
import { toError } from '../internal/to-error.js';
import { type DirectoryWatchState, type DirectoryWatchSubscription, subscribeToDirectory } from './directory-watch.js';
import { locateVolume, type VolumeLocation } from './locate-volume.js';
import type { TokenFileSystem } from './token-file-system.js';
import { VolumeAccess } from './volume-access.js';
import { isOfItself } from './watch-directory.js';

/**
 * How many reads a second events may lead to in the long run: a read costs about a tenth of a millisecond of processor
 * time, and no kubelet swaps more often than once in minutes.
 */
const READS_PER_SECOND = 50;

/** How many of them at once, after a rest: a swap and its attribute events, and what follows it, are read without delay. */
const READS_AT_ONCE = 100;

/** What a {@link VolumeFollower} tells. */
export interface VolumeFollowerListener {
  /** The file may have changed; resolves when that was looked into. */
  onChange(): Promise<void>;
  /** The directory cannot be watched; changes come to light by polling only. */
  onDegraded(reason: Error): void;
  /** After `onDegraded`: the directory is watched again. */
  onRestored(): void;
}

/** Keeps the watch of one provider on the volume that its token file is in, wherever that turns out to be. */
export class VolumeFollower {
  #location: VolumeLocation | undefined;
  /** Whether the last read found no good token: then any change of the directory may bring one. */
  #isSearching = true;
  readonly #events = new RateCeiling(READS_PER_SECOND, READS_AT_ONCE, () => void this.listener.onChange());
  #subscription: DirectoryWatchSubscription | undefined;
  #degraded = false;
  #stopped = false;

  constructor(
    private readonly fs: TokenFileSystem,
    private readonly path: string,
    private readonly listener: VolumeFollowerListener,
  ) {}

  get watching(): 'events' | 'polling' {
    return this.#subscription?.state === 'watching' ? 'events' : 'polling';
  }

  get kind(): VolumeLocation['kind'] | undefined {
    return this.#location?.kind;
  }

  /**
   * Call this after each read, with where it found the file: a volume that was mounted late, or differently, is another
   * directory.
   *
   * @param location - undefined when the file was not found or could not be read
   */
  locate(location: VolumeLocation | undefined): void {
    const wasSearching = this.#isSearching;
    this.#isSearching = location === undefined;
    if (location === undefined) return;
    // What was found may lie in a directory that was mounted over the one that is watched, of which no event told.
    if (wasSearching) void this.check();
    this.#location = location;
    if (this.#subscription !== undefined && this.#subscription.directory !== location.directory) void this.follow();
  }

  /** Watches the volume; resolves when changes are told, or polling has to do. Never rejects. */
  async follow(): Promise<void> {
    const directory = this.#location?.directory ?? (await this.#findDirectory());
    if (this.#stopped) return;
    void this.#subscription?.unsubscribe();
    const subscription = subscribeToDirectory(this.fs, directory, {
      onArmed: () => void this.listener.onChange(),
      onChange: (filename) => {
        if (this.#mayBringToken(directory, filename)) this.#events.request();
      },
      onState: (state, reason) => this.#onState(state, reason),
    });
    this.#subscription = subscription;
    await subscription.started;
    if (this.#stopped || this.#subscription !== subscription) return;
    // Shared with others, the watch may have failed before this provider joined.
    this.#onState(subscription.state, subscription.failure);
    // What changed between the first read and now, no event will tell.
    await this.listener.onChange();
  }

  /** Looks whether the watch still sees the volume. Never rejects. */
  async check(): Promise<void> {
    await this.#subscription?.check();
  }

  /** Arms the watch anew. Never rejects. */
  async rearm(): Promise<void> {
    await this.#subscription?.rearm();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#events.stop();
    await this.#subscription?.unsubscribe();
  }

  /** A swap is an event of `..data`; what else happens in a directory, such as to a log file beside the token, is not read for. */
  #mayBringToken(directory: string, filename: string | null): boolean {
    const location = this.#location;
    if (this.#isSearching || location === undefined || isOfItself(directory, filename)) return true;
    return filename === location.entry || (location.kind === 'projected' && filename === '..data');
  }

  /** Before a first read succeeded: the directory asked for, or the one that the file should come to be in. */
  async #findDirectory(): Promise<string> {
    try {
      return await new VolumeAccess(this.fs, this.path).run(async () => {
        // It may not be there yet; the poll finds it.
        const isDirectory = await this.fs.promises.stat(this.path).then(
          (stats) => stats.isDirectory(),
          () => false,
        );
        return isDirectory ? this.path : (await locateVolume(this.fs, this.path)).directory;
      });
    } catch {
      // The volume does not answer. Once it does, the read finds where the file is.
      return dirname(this.path);
    }
  }

  #onState(state: DirectoryWatchState, reason: unknown): void {
    if (state === 'failed' && !this.#degraded) {
      this.#degraded = true;
      this.listener.onDegraded(toError(reason));
    } else if (state === 'watching' && this.#degraded) {
      this.#degraded = false;
      this.listener.onRestored();
    }
  }
}
