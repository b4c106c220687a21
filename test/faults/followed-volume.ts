import { tmpdir } from 'node:os';
import { ProjectedTokenProvider, type ProjectedTokenProviderOptions } from 'projected-token';
import { mintToken, TokenVolume } from 'projected-token/testing';
import { expect } from 'vitest';
import { inUse, recordEvents } from '../helpers/provider-events.js';

/** A provider that has a good token in use, and the volume that it follows. */
export class FollowedVolume implements AsyncDisposable {
  private constructor(
    readonly volume: TokenVolume,
    readonly provider: ProjectedTokenProvider,
    /** Names of the events since the first token. */
    readonly events: readonly string[],
    private readonly remove: () => void,
  ) {}

  /**
   * @param start.token - the first one
   * @param start.volume - left where it is in the end; without it one is made for this
   */
  static async open(
    options: ProjectedTokenProviderOptions = {},
    start: { token?: string; volume?: TokenVolume } = {},
  ): Promise<FollowedVolume> {
    const volume = start.volume ?? TokenVolume.temporary(tmpdir());
    volume.write(start.token ?? (await mintToken()));
    const provider = await ProjectedTokenProvider.open({ path: volume.path, pollIntervalMs: 50, ...options });
    const remove = () => start.volume ?? volume.unmount();
    return new FollowedVolume(volume, provider, recordEvents(provider), remove);
  }

  /** Waits for this reason why the file's content is not in use, and expects that the token in use stays. */
  async expectKept(code: string): Promise<void> {
    const kept = this.provider.current?.value;
    await expect.poll(() => this.provider.status.lastError?.code, { timeout: 10_000 }).toBe(code);
    expect(this.events).toContain('rejected');
    expect(this.provider.status.state).toBe('ready');
    expect(await this.provider.getToken()).toBe(kept);
  }

  /** A good rotation, as the kubelet makes it, arrives: what the fault was, it is over. */
  async expectRecovery(): Promise<void> {
    const token = await mintToken();
    this.volume.write(token);
    await inUse(this.provider, token);
    expect(await this.provider.getToken()).toBe(token);
    expect(this.provider.status).toMatchObject({ state: 'ready', lastError: undefined });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.provider.close();
    this.remove();
  }
}
