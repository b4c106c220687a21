import { type DirectoryWatchState, type DirectoryWatchSubscription, subscribeToDirectory } from './directory-watch.js';
import { locateVolume, type VolumeLocation } from './locate-volume.js';
import type { TokenFileSystem } from './token-file-system.js';

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

  /** Is told where the last read found the file: a volume that was mounted late, or differently, is another directory. */
  locate(location: VolumeLocation): void {
    this.#location = location;
    if (this.#subscription !== undefined && this.#subscription.directory !== location.directory) void this.follow();
  }

  /** Watches the volume; resolves when changes are told, or polling has to do. Never rejects. */
  async follow(): Promise<void> {
    const directory = this.#location?.directory ?? (await this.#findDirectory());
    if (this.#stopped) return;
    void this.#subscription?.unsubscribe();
    const subscription = subscribeToDirectory(this.fs, directory, {
      onChange: () => void this.listener.onChange(),
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
    await this.#subscription?.unsubscribe();
  }

  /** Before a first read succeeded: the directory asked for, or the one that the file should come to be in. */
  async #findDirectory(): Promise<string> {
    try {
      if ((await this.fs.promises.stat(this.path)).isDirectory()) return this.path;
    } catch {
      // Not there yet; the poll finds it.
    }
    return (await locateVolume(this.fs, this.path)).directory;
  }

  #onState(state: DirectoryWatchState, reason: unknown): void {
    if (state === 'failed' && !this.#degraded) {
      this.#degraded = true;
      this.listener.onDegraded(reason instanceof Error ? reason : new Error(String(reason)));
    } else if (state === 'watching' && this.#degraded) {
      this.#degraded = false;
      this.listener.onRestored();
    }
  }
}
