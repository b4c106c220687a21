import { createFsFromVolume, Volume } from 'memfs';
import { ProjectedTokenProvider } from 'projected-token';
import { mintToken, TokenVolume } from 'projected-token/testing';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';

const START = new Date('2026-03-01T12:00:00Z');
const secondsIn = (seconds: number) => new Date(START.getTime() + seconds * 1000);

const NO_READS = { open: 0, event: 0, poll: 0, timer: 0, request: 0, refresh: 0 };

let volume: TokenVolume;
let provider: ProjectedTokenProvider;

beforeEach(() => {
  vi.useFakeTimers({ now: START });
  const fs = createFsFromVolume(new Volume());
  volume = new TokenVolume({ directory: '/mnt/tokens', fs });
  const deaf = { promises: fs.promises, watch: () => ({ on() {}, close() {} }) } as never;
  provider = new ProjectedTokenProvider({ path: volume.path, pollIntervalMs: 2 ** 31 - 1, fs: deaf });
});
afterEach(async () => {
  await provider.close();
  vi.useRealTimers();
});

it('of a provider that has not begun tells that it knows nothing', () => {
  expect(provider.status).toEqual({
    state: 'opening',
    overdue: false,
    watching: 'polling',
    path: '/mnt/tokens/vault-token',
    file: undefined,
    token: undefined,
    lastRotationAt: undefined,
    lastReadAt: undefined,
    lastError: undefined,
    counts: { rotations: 0, rejections: 0, refusals: 0, reads: NO_READS },
  });
});

it('tells of a token in use, and when the file was read', async () => {
  volume.write(await mintToken({ expiresInSeconds: 600 }));
  await provider.start();
  expect(provider.status).toEqual({
    state: 'ready',
    overdue: false,
    watching: 'events',
    path: '/mnt/tokens/vault-token',
    file: 'projected',
    token: { fingerprint: provider.current?.fingerprint, expiresAt: secondsIn(600), refreshAt: secondsIn(480) },
    lastRotationAt: undefined,
    lastReadAt: START,
    lastError: undefined,
    // The first, one for what came before the watch was armed, and one for what came until that was known.
    counts: { rotations: 0, rejections: 0, refusals: 0, reads: { ...NO_READS, open: 1, event: 2 } },
  });
});

it('tells of rotations, rejections, refusals, and of each cause of a read', async () => {
  const token = await mintToken({ expiresInSeconds: 600 });
  volume.write(token);
  await provider.start();
  const { event } = provider.status.counts.reads;

  vi.setSystemTime(secondsIn(5));
  volume.write(await mintToken({ expiresInSeconds: 600 }));
  await provider.refresh();
  vi.setSystemTime(secondsIn(7));
  volume.corrupt();
  await provider.replaceToken(token);

  const { status } = provider;
  expect(status.lastRotationAt).toEqual(secondsIn(5));
  expect(status.lastReadAt).toEqual(secondsIn(7));
  expect(status.lastError).toEqual({
    code: 'ERR_TOKEN_MALFORMED',
    message: expect.stringContaining('/mnt/tokens/vault-token'),
    at: secondsIn(7),
  });
  expect(status.counts).toEqual({
    rotations: 1,
    rejections: 1,
    refusals: 1,
    reads: { ...NO_READS, open: 1, event, refresh: 1, request: 1 },
  });
});

it('tells the timer at the refresh time from the polls that follow it', async () => {
  volume.write(await mintToken({ expiresInSeconds: 600 }));
  await provider.start();
  await vi.advanceTimersByTimeAsync(480_000 - 1);
  expect(provider.status.counts.reads).toMatchObject({ timer: 0, poll: 0 });
  await vi.advanceTimersByTimeAsync(1);
  expect(provider.status.counts.reads).toMatchObject({ timer: 1, poll: 0 });
  await vi.advanceTimersByTimeAsync(2000);
  expect(provider.status.counts.reads).toMatchObject({ timer: 1, poll: 2 });
});

it('is a copy: what was told does not change', async () => {
  volume.write(await mintToken());
  await provider.start();
  const before = provider.status;
  await provider.refresh();
  expect(before.counts.reads.refresh).toBe(0);
});
