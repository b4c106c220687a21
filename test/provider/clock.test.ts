import { tmpdir } from 'node:os';
import { ProjectedTokenProvider } from 'projected-token';
import { mintToken, TokenVolume } from 'projected-token/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FaultyFileSystem } from '../helpers/faulty-file-system.js';
import { recordEvents } from '../helpers/provider-events.js';

const HOUR_MS = 3_600_000;

let volume: TokenVolume;
let fs: FaultyFileSystem;
let provider: ProjectedTokenProvider;
let events: string[];

beforeEach(async () => {
  volume = TokenVolume.temporary(tmpdir());
  volume.write(await mintToken({ expiresInSeconds: 600 }));
  fs = new FaultyFileSystem();
  fs.isDeaf = true;
  provider = await ProjectedTokenProvider.open({ path: volume.path, fs, pollIntervalMs: 2 ** 31 - 1 });
  events = recordEvents(provider);
});
afterEach(async () => {
  vi.useRealTimers();
  await provider.close();
  volume.unmount();
});

/** The clock is set, and no timer fires. */
const setClock = (byMs: number) => vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + byMs });

describe('before any timer fired and without any read', () => {
  it('a token that the clock is past is shown neither by status, nor current, nor peekToken', () => {
    const kept = provider.current;
    expect(provider.peekToken()).toBe(kept?.value);
    setClock(HOUR_MS);
    expect(provider.status).toMatchObject({ state: 'expired', token: undefined, overdue: true });
    expect(provider.current).toBeUndefined();
    expect(provider.peekToken()).toBeUndefined();
    setClock(-HOUR_MS);
    expect(provider.status).toMatchObject({
      state: 'ready',
      token: { fingerprint: kept?.fingerprint },
      overdue: false,
    });
    expect(provider.current).toBe(kept);
    expect(provider.peekToken()).toBe(kept?.value);
  });

  it('it is shown until the margin before its expiry, and not a millisecond longer', () => {
    const untilMs = provider.current!.expiresAt!.getTime() - 10_000;
    vi.useFakeTimers({ toFake: ['Date'], now: untilMs - 1 });
    expect(provider.status.state).toBe('ready');
    vi.setSystemTime(untilMs);
    expect(provider.status.state).toBe('expired');
  });

  it('a look at them emits nothing', () => {
    setClock(HOUR_MS);
    for (const look of [() => provider.status, () => provider.current, () => provider.peekToken()]) look();
    expect(events).toEqual([]);
  });
});

describe('while a read does not come back', () => {
  it('time is told: overdue, then expired', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout', 'performance'] });
    fs.onOpen = () => new Promise<void>(() => {});
    const reading = provider.refresh();
    await vi.advanceTimersByTimeAsync(3000);
    await reading;
    const untilMs = provider.current!.expiresAt!.getTime() - 10_000;
    // The mark is half a second old at the most.
    await vi.advanceTimersByTimeAsync(untilMs - 20_000 + 600 - Date.now());
    expect(events).toContain('overdue');
    expect(events).not.toContain('expired');
    await vi.advanceTimersByTimeAsync(untilMs + 600 - Date.now());
    expect(events).toContain('expired');
    expect(events.filter((event) => event === 'rejected')).toHaveLength(1);
  });
});
