import { tmpdir } from 'node:os';
import { ProjectedTokenProvider } from 'projected-token';
import { mintToken, TokenVolume } from 'projected-token/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FaultyFileSystem } from '../helpers/faulty-file-system.js';
import { recordEvents } from '../helpers/provider-events.js';

// Nothing but the calls of a test leads to a read.
const ON_REQUEST_ONLY = { pollIntervalMs: 2 ** 31 - 1 };

let volume: TokenVolume;
let fs: FaultyFileSystem;
let provider: ProjectedTokenProvider;

beforeEach(async () => {
  volume = TokenVolume.temporary(tmpdir());
  volume.write(await mintToken({ expiresInSeconds: 600 }));
  fs = new FaultyFileSystem();
  fs.isDeaf = true;
  provider = await ProjectedTokenProvider.open({ path: volume.path, fs, ...ON_REQUEST_ONLY });
  fs.opens = 0;
});

afterEach(async () => {
  vi.useRealTimers();
  await provider.close();
  volume.unmount();
});

/** The clock is set, and no timer fires: a process that was suspended. */
function sleepUntil(ms: number): void {
  vi.useFakeTimers({ toFake: ['Date'], now: ms });
}

const expiryMs = () => provider.current!.expiresAt!.getTime();
const mintLater = () => mintToken({ issuedAt: new Date(expiryMs()) });

describe('getToken', () => {
  it('takes options without a signal', async () => {
    expect(await provider.getToken({})).toBe(volume.content);
  });

  it('gives the token in use without a look at the file', async () => {
    const token = volume.content;
    for (let call = 0; call < 100; call++) expect(await provider.getToken()).toBe(token);
    expect(fs.opens).toBe(0);
  });

  it('gives one promise for as long as the token is the same, so that it costs nothing', () => {
    expect(provider.getToken()).toBe(provider.getToken());
  });

  it('gives the token until the margin before its expiry, and not a millisecond longer', async () => {
    const token = volume.content;
    const endMs = expiryMs() - 10_000;
    sleepUntil(endMs - 1);
    await expect(provider.getToken()).resolves.toBe(token);
    sleepUntil(endMs);
    await expect(provider.getToken()).rejects.toMatchObject({
      code: 'ERR_TOKEN_EXPIRED',
      expiresAt: new Date(endMs + 10_000),
    });
  });

  it('reads the file when the token expired in a process that slept, and gives what is there', async () => {
    const next = await mintLater();
    volume.write(next);
    sleepUntil(expiryMs() + 1000);
    expect(await provider.getToken()).toBe(next);
    expect(fs.opens).toBe(1);
  });

  it('fails when the file holds the expired token still, and works again once it is replaced', async () => {
    const events = recordEvents(provider);
    const next = await mintLater();
    sleepUntil(expiryMs() + 1000);
    const error: Error = await provider.getToken().catch((error) => error);
    expect(error).toMatchObject({ code: 'ERR_TOKEN_EXPIRED' });
    expect(error.message).toContain('no newer one');
    expect(provider.current).toBeUndefined();
    expect(provider.status).toMatchObject({ state: 'expired', token: undefined });

    volume.write(next);
    expect(await provider.getToken()).toBe(next);
    expect(provider.status.state).toBe('ready');
    expect(events).toEqual(['expired', 'rotated', 'recovered']);
  });

  it('tells why the newest file was no help, as the cause', async () => {
    volume.corrupt('not a token');
    sleepUntil(expiryMs() + 1000);
    await expect(provider.getToken()).rejects.toMatchObject({
      code: 'ERR_TOKEN_EXPIRED',
      cause: { code: 'ERR_TOKEN_MALFORMED' },
    });
  });

  it('reads once for a thousand callers who find the token expired', async () => {
    const next = await mintLater();
    volume.write(next);
    sleepUntil(expiryMs() + 1000);
    const tokens = await Promise.all(Array.from({ length: 1000 }, () => provider.getToken()));
    expect(new Set(tokens)).toEqual(new Set([next]));
    expect(fs.opens).toBe(1);
  });

  it('stops waiting when the caller aborts, with the reason as cause; the others go on', async () => {
    const next = await mintLater();
    volume.write(next);
    sleepUntil(expiryMs() + 1000);
    const reason = new Error('the user went away');
    const controller = new AbortController();
    fs.onOpen = () => controller.abort(reason);
    const aborted = provider.getToken({ signal: controller.signal });
    const other = provider.getToken();
    await expect(aborted).rejects.toMatchObject({ code: 'ERR_TOKEN_ABORTED', name: 'AbortError', cause: reason });
    expect(await other).toBe(next);
  });

  it('does not begin for a caller who has aborted', async () => {
    const signal = AbortSignal.abort();
    await expect(provider.getToken({ signal })).rejects.toMatchObject({ code: 'ERR_TOKEN_ABORTED' });
    expect(fs.opens).toBe(0);
  });
});

describe('a clock that is set', () => {
  it.each([-3_600_000, -86_400_000])('back by %i ms takes nothing away', async (byMs) => {
    const token = volume.content;
    sleepUntil(Date.now() + byMs);
    expect(await provider.getToken()).toBe(token);
  });

  it('forward, and back again, leaves the token in use', async () => {
    const token = volume.content;
    sleepUntil(Date.now() + 3_600_000);
    await expect(provider.getToken()).rejects.toMatchObject({ code: 'ERR_TOKEN_EXPIRED' });
    sleepUntil(Date.now() - 3_600_000);
    expect(await provider.getToken()).toBe(token);
    await provider.refresh();
    expect(provider.current?.value).toBe(token);
  });
});

describe('replaceToken', () => {
  it('gives nothing when the file holds the refused token still, after one look', async () => {
    expect(await provider.replaceToken(volume.content!)).toBeUndefined();
    expect(fs.opens).toBe(1);
    expect(provider.status.counts).toMatchObject({ refusals: 1, rotations: 0 });
  });

  it('gives what the file holds now', async () => {
    const refused = volume.content!;
    const next = await mintToken();
    volume.write(next);
    expect(await provider.replaceToken(refused)).toBe(next);
    expect(provider.current?.value).toBe(next);
  });

  it('gives the token in use when it is another than the refused one, after one look', async () => {
    expect(await provider.replaceToken(await mintToken())).toBe(volume.content);
    expect(fs.opens).toBe(1);
  });

  it('gives what the file holds now even when the token in use is another than the refused one already', async () => {
    const next = await mintToken();
    volume.write(next);
    expect(await provider.replaceToken(await mintToken())).toBe(next);
  });

  it('gives the token in use when it is another than the refused one and the file cannot be read', async () => {
    const inUse = volume.content;
    volume.corrupt();
    expect(await provider.replaceToken(await mintToken())).toBe(inUse);
  });

  it('gives nothing when the new file is not acceptable', async () => {
    const refused = volume.content!;
    volume.corrupt();
    expect(await provider.replaceToken(refused)).toBeUndefined();
    expect(await provider.getToken()).toBe(refused);
  });

  it.each([false, true])('reads once for a thousand callers (file replaced: %s)', async (isReplaced) => {
    const refused = volume.content!;
    const next = await mintToken();
    if (isReplaced) volume.write(next);
    const answers = await Promise.all(Array.from({ length: 1000 }, () => provider.replaceToken(refused)));
    expect(new Set(answers)).toEqual(new Set([isReplaced ? next : undefined]));
    expect(fs.opens).toBe(1);
  });

  it('does not take the outcome of a read that began before for an answer', async () => {
    const refused = volume.content!;
    const next = await mintToken();
    let reads = 0;
    const { open } = fs.promises;
    Object.assign(fs.promises, {
      open: async (...args: Parameters<typeof open>) => {
        const handle = await open(...args);
        // The first read has the old file open when the volume is swapped.
        if (reads++ === 0) volume.write(next);
        return handle;
      },
    });
    const refresh = provider.refresh();
    await Promise.resolve();
    expect(await provider.replaceToken(refused)).toBe(next);
    await refresh;
    expect(reads).toBe(2);
  });
});

describe('refresh', () => {
  it('reads the file, and resolves with the token in use then', async () => {
    const next = await mintToken();
    volume.write(next);
    expect((await provider.refresh()).value).toBe(next);
    expect(provider.status.counts.reads.refresh).toBe(1);
  });

  it('resolves with the last good token when the file is not acceptable; status says why', async () => {
    const good = provider.current;
    volume.corrupt('not a token');
    expect(await provider.refresh()).toBe(good);
    expect(provider.status.lastError).toMatchObject({ code: 'ERR_TOKEN_MALFORMED', at: expect.any(Date) });
  });
});
