import { createFsFromVolume, Volume } from 'memfs';
import { BoundToken, ProjectedTokenProvider, type TokenFileSystem } from 'projected-token';
import { type MintOptions, mintToken, TokenVolume } from 'projected-token/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { recordEvents } from '../helpers/provider-events.js';

// A provider's whole life without a disk and without a moment's wait: files in memory, every timer and the clock faked.

const SECOND = 1000;
const LIFE = 600;
const REFRESH_AT = 480;
const OVERDUE_AT = 570;
const USABLE_UNTIL = 590;

let memory: ReturnType<typeof createFsFromVolume>;
let volume: TokenVolume;
let provider: ProjectedTokenProvider;
let events: string[];
let startMs: number;

beforeEach(() => {
  vi.useFakeTimers({ now: new Date('2026-03-01T12:00:00Z') });
  startMs = Date.now();
  memory = createFsFromVolume(new Volume());
  volume = new TokenVolume({ directory: '/var/run/secrets/tokens', fs: memory });
});

afterEach(async () => {
  await provider.close();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

async function write(options: MintOptions = {}): Promise<string> {
  const token = await mintToken({ expiresInSeconds: LIFE, ...options });
  volume.write(token);
  return token;
}

async function open(fs: TokenFileSystem = memory as never): Promise<void> {
  provider = new ProjectedTokenProvider({ path: volume.path, audience: 'vault', fs });
  events = recordEvents(provider);
  await provider.start();
}

/** Lets everything happen that needs no time. */
const settle = () => vi.advanceTimersByTimeAsync(0);
/** Lets time pass until so many seconds after the start. */
const passUntil = (seconds: number) => vi.advanceTimersByTimeAsync(startMs + seconds * SECOND - Date.now());

describe('in memory, by directory events', () => {
  beforeEach(async () => {
    await write();
    await open();
  });

  it('a token is there', async () => {
    expect(await provider.getToken()).toBe(volume.content);
    expect(await provider.getToken({})).toBe(volume.content);
    expect(provider.status).toMatchObject({ state: 'ready', watching: 'events', file: 'projected', overdue: false });
  });

  it('a rotation arrives at once', async () => {
    const token = await write();
    await settle();
    expect(events).toEqual(['rotated']);
    expect(await provider.getToken()).toBe(token);
    expect(Date.now()).toBe(startMs);
  });

  it('what is no acceptable token is told once, and the last good one stays', async () => {
    const good = volume.content;
    await write({ audience: 'bao' });
    await settle();
    expect(events).toEqual(['rejected']);
    expect(provider.status).toMatchObject({ state: 'ready', lastError: { code: 'ERR_TOKEN_AUDIENCE' } });
    await passUntil(5);
    expect(events).toEqual(['rejected']);
    expect(await provider.getToken()).toBe(good);

    const next = await write();
    await settle();
    expect(events).toEqual(['rejected', 'rotated']);
    expect(await provider.getToken()).toBe(next);
    expect(provider.status.lastError).toBeUndefined();
  });

  it('a token that is not replaced is overdue, expires, and is recovered from, each at its time', async () => {
    await passUntil(OVERDUE_AT - 0.001);
    expect(events).toEqual([]);
    await passUntil(OVERDUE_AT);
    expect(events).toEqual(['overdue']);
    expect(provider.status).toMatchObject({ state: 'ready', overdue: true });

    await passUntil(USABLE_UNTIL - 0.001);
    expect(provider.current).toBeDefined();
    await passUntil(USABLE_UNTIL);
    expect(events).toEqual(['overdue', 'expired']);
    expect(provider.current).toBeUndefined();
    expect(provider.status).toMatchObject({ state: 'expired', token: undefined });
    await expect(provider.getToken()).rejects.toMatchObject({ code: 'ERR_TOKEN_EXPIRED' });

    const next = await write();
    await settle();
    expect(events).toEqual(['overdue', 'expired', 'rotated', 'recovered']);
    expect(await provider.getToken()).toBe(next);
    expect(provider.status).toMatchObject({ state: 'ready', overdue: false });
  });

  it('a token that is replaced in time is neither overdue nor expired, for as long as that goes on', async () => {
    for (let rotation = 1; rotation <= 20; rotation++) {
      await passUntil(rotation * REFRESH_AT);
      await write();
    }
    await settle();
    expect(events).toEqual(Array.from({ length: 20 }, () => 'rotated'));
    expect(provider.status.counts.rotations).toBe(20);
  });

  it('a listener may close the provider at the event that it is told, and no timer is left', async () => {
    provider.on('rotated', () => void provider.close());
    await write();
    await settle();
    expect(events).toEqual(['rotated', 'closed']);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('a volume that is unmounted keeps its last token in use; remounted, it is followed again', async () => {
    const last = volume.content;
    volume.unmount();
    await passUntil(2);
    expect(events).toEqual(['rejected']);
    expect(provider.status).toMatchObject({ watching: 'polling', lastError: { code: 'ERR_TOKEN_NOT_FOUND' } });
    expect(await provider.getToken()).toBe(last);

    volume.remount(await mintToken());
    await passUntil(4);
    expect(events).toEqual(['rejected', 'rotated']);
    expect(provider.status.watching).toBe('events');

    await write();
    await settle();
    expect(events).toEqual(['rejected', 'rotated', 'rotated']);
  });
});

describe('in memory, where the file system tells no events', () => {
  const pollOnly = (): TokenFileSystem => ({
    promises: memory.promises as never,
    watch: () => ({ on: () => {}, close: () => {} }),
  });

  beforeEach(async () => {
    await write();
    await open(pollOnly());
  });

  it('a rotation arrives with the next poll', async () => {
    await passUntil(5);
    const token = await write();
    await passUntil(9.999);
    expect(events).toEqual([]);
    await passUntil(10);
    expect(events).toEqual(['rotated']);
    expect(await provider.getToken()).toBe(token);
  });

  it('the file is read once in ten seconds, and once a second from the refresh time on', async () => {
    const reads = () => Object.values(provider.status.counts.reads).reduce((sum, count) => sum + count);
    await passUntil(100);
    const atFirst = reads();
    await passUntil(200);
    expect(reads() - atFirst).toBe(10);
    await passUntil(REFRESH_AT);
    const fromRefresh = reads();
    await passUntil(REFRESH_AT + 50);
    expect(reads() - fromRefresh).toBe(50);
  });

  it('an extended token is looked for when its short life is over, and stays in use', async () => {
    const token = await write({ extended: true });
    await passUntil(10);
    const { warnAfter, refreshAt } = BoundToken.parse(token);
    expect(warnAfter?.getTime()).toBe(startMs + LIFE * SECOND);
    expect(refreshAt?.getTime()).toBe(startMs + REFRESH_AT * SECOND);
    await passUntil(OVERDUE_AT);
    expect(events).toEqual(['rotated', 'overdue']);
    await passUntil(LIFE * 10);
    expect(await provider.getToken()).toBe(token);
  });
});

describe('in memory, before there is a token', () => {
  it('open waits for a mount that comes late', async () => {
    volume.unmount();
    provider = new ProjectedTokenProvider({ path: volume.path, fs: memory as never });
    const starting = provider.start();
    await passUntil(5);
    const token = await mintToken();
    volume.remount(token);
    await passUntil(6);
    await starting;
    expect(await provider.getToken()).toBe(token);
  });

  it('open waits no longer than it is told to', async () => {
    volume.corrupt();
    provider = new ProjectedTokenProvider({ path: volume.path, fs: memory as never });
    const starting = provider.start();
    const outcome = expect(starting).rejects.toMatchObject({ code: 'ERR_TOKEN_MALFORMED' });
    await passUntil(9.999);
    expect(provider.status.state).toBe('opening');
    await passUntil(10);
    await outcome;
    expect(provider.status.state).toBe('closed');
  });
});

describe('in memory, by a path through the data directory', () => {
  it('every rotation arrives at once', async () => {
    await write();
    provider = await ProjectedTokenProvider.open({
      path: `${volume.directory}/..data/vault-token`,
      fs: memory as never,
    });
    expect(provider.status).toMatchObject({ file: 'projected', watching: 'events' });
    for (let rotation = 1; rotation <= 3; rotation++) {
      const token = await write();
      await settle();
      expect(await provider.getToken()).toBe(token);
      expect(provider.status.counts.rotations).toBe(rotation);
    }
  });
});
