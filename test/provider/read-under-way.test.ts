import { tmpdir } from 'node:os';
import { ProjectedTokenProvider } from 'projected-token';
import { mintToken, TokenVolume } from 'projected-token/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FaultyFileSystem, systemError } from '../helpers/faulty-file-system.js';
import { recordEvents } from '../helpers/provider-events.js';

// Nothing but the calls of a test leads to a read.
const ON_REQUEST_ONLY = { pollIntervalMs: 2 ** 31 - 1 };

let volume: TokenVolume;
let fs: FaultyFileSystem;
let provider: ProjectedTokenProvider;
let events: string[];

beforeEach(async () => {
  volume = TokenVolume.temporary(tmpdir());
  volume.write(await mintToken({ expiresInSeconds: 600 }));
  fs = new FaultyFileSystem();
  fs.isDeaf = true;
  provider = await ProjectedTokenProvider.open({ path: volume.path, fs, ...ON_REQUEST_ONLY });
  events = recordEvents(provider);
  fs.opens = 0;
});

afterEach(async () => {
  vi.useRealTimers();
  await provider.close();
  volume.unmount();
});

/** The token in use is past its expiry, in a process that slept. */
async function sleepPastExpiry(): Promise<string> {
  const wakeMs = Date.now() + 700_000;
  const next = await mintToken({ issuedAt: new Date(wakeMs) });
  vi.useFakeTimers({ toFake: ['Date'], now: wakeMs });
  return next;
}

/** Opens the file, and does something before it is read. */
function onceOpened(work: () => void): void {
  const { open } = fs.promises;
  let isFirst = true;
  Object.assign(fs.promises, {
    open: async (...args: Parameters<typeof open>) => {
      const handle = await open(...args);
      if (isFirst) work();
      isFirst = false;
      return handle;
    },
  });
}

describe('a read that is under way', () => {
  it('serves a caller who finds the token expired meanwhile', async () => {
    const next = await sleepPastExpiry();
    volume.write(next);
    let release = () => {};
    fs.onOpen = () => new Promise((resolve) => (release = resolve));
    const reading = provider.refresh();
    await expect.poll(() => fs.opens).toBe(1);
    const token = provider.getToken();
    release();
    expect(await token).toBe(next);
    await reading;
    expect(fs.opens).toBe(1);
    expect(provider.status.counts.reads).toMatchObject({ refresh: 1, request: 0 });
  });

  it('is followed by another where it was too early to serve', async () => {
    const next = await sleepPastExpiry();
    let asked: Promise<string> | undefined;
    onceOpened(() => {
      // The old file is open.
      volume.write(next);
      asked = provider.getToken();
    });
    await provider.refresh().catch(() => {});
    expect(await asked).toBe(next);
    expect(provider.status.counts.reads).toMatchObject({ refresh: 1, request: 1 });
  });

  it('of a provider that is closed meanwhile has no consequences', async () => {
    volume.write(await mintToken());
    onceOpened(() => void provider.close());
    await expect(provider.refresh()).rejects.toMatchObject({ code: 'ERR_TOKEN_CLOSED' });
    await provider.close();
    expect(events).toEqual(['closed']);
    expect(provider.current).toBeUndefined();
    expect(provider.status.counts.rotations).toBe(0);
  });

  it('and fails in a provider that is closed meanwhile is not told', async () => {
    fs.onOpen = () => {
      void provider.close();
      throw systemError('EIO');
    };
    await expect(provider.refresh()).rejects.toMatchObject({ code: 'ERR_TOKEN_CLOSED' });
    await provider.close();
    expect(events).toEqual(['closed']);
    expect(provider.status).toMatchObject({ lastError: undefined, counts: { rejections: 0 } });
  });
});

describe('a read that is due when the provider is closed', () => {
  it('is not begun', async () => {
    const reading = expect(provider.refresh()).rejects.toMatchObject({ code: 'ERR_TOKEN_CLOSED' });
    await provider.close();
    await reading;
    expect(fs.opens).toBe(0);
    expect(provider.status.counts.reads.refresh).toBe(0);
  });
});

describe('a refused token', () => {
  it('that has expired as well has no replacement, where the file has none', async () => {
    const refused = await provider.getToken();
    await sleepPastExpiry();
    expect(await provider.replaceToken(refused)).toBeUndefined();
  });
});

describe('a provider that has not been started', () => {
  it('reads when it is asked to', async () => {
    const idle = new ProjectedTokenProvider({ path: volume.path, fs, ...ON_REQUEST_ONLY });
    expect((await idle.refresh()).value).toBe(volume.content);
    expect(await idle.getToken()).toBe(volume.content);
    await idle.close();
  });
});

describe('an aborted wait', () => {
  it('tells what was waited for', async () => {
    const signal = AbortSignal.abort();
    const error: Error = await provider.getToken({ signal }).catch((error) => error);
    expect(error.message).toBe("The caller's signal aborted the wait for a token.");
  });
});

describe('a volume that does not answer', () => {
  const silent = (): FaultyFileSystem =>
    Object.assign(new FaultyFileSystem(), { onOpen: () => new Promise<void>(() => {}) });

  it('is told when open has waited long enough', async () => {
    const opening = ProjectedTokenProvider.open({ path: volume.path, fs: silent(), readyTimeoutMs: 20 });
    await expect(opening).rejects.toMatchObject({
      code: 'ERR_TOKEN_READ_FAILED',
      path: volume.path,
      message: `${volume.path} could not be read within 20 ms: its volume does not answer. Check the mount and the node.`,
    });
  });

  it('does not keep a provider from being closed', async () => {
    fs.onOpen = () => new Promise<void>(() => {});
    const reading = expect(provider.refresh()).rejects.toMatchObject({ code: 'ERR_TOKEN_CLOSED' });
    await expect.poll(() => fs.opens).toBe(1);
    await provider.close();
    await reading;
    expect(events).toEqual(['closed']);
  });
});
