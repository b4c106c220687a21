import { tmpdir } from 'node:os';
import { ProjectedTokenProvider } from 'projected-token';
import { mintToken, TokenVolume } from 'projected-token/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FaultyFileSystem, systemError } from '../helpers/faulty-file-system.js';
import { inotifyWatches } from '../helpers/inotify-watches.js';
import { inUse, nextEvent, recordEvents } from '../helpers/provider-events.js';

const NEVER_MS = 2 ** 31 - 1;

let volume: TokenVolume;
let fs: FaultyFileSystem;
let provider: ProjectedTokenProvider;

beforeEach(async () => {
  volume = TokenVolume.temporary(tmpdir());
  volume.write(await mintToken());
  fs = new FaultyFileSystem();
});

afterEach(async () => {
  vi.useRealTimers();
  await provider.close();
  volume.unmount();
});

async function rotate(options?: Parameters<typeof mintToken>[0]): Promise<string> {
  const token = await mintToken(options);
  volume.write(token);
  return token;
}

describe('each trigger alone is enough:', () => {
  it('events of the directory', async () => {
    provider = await ProjectedTokenProvider.open({ path: volume.path, fs, pollIntervalMs: NEVER_MS });
    await inUse(provider, await rotate());
    expect(provider.status.counts.reads).toMatchObject({ poll: 0, timer: 0, request: 0, refresh: 0 });
  });

  it('the poll', async () => {
    fs.isDeaf = true;
    provider = await ProjectedTokenProvider.open({ path: volume.path, fs, pollIntervalMs: 20 });
    const { event } = provider.status.counts.reads;
    await inUse(provider, await rotate());
    expect(provider.status.counts.reads).toMatchObject({ event, request: 0, refresh: 0 });
    expect(provider.status.counts.reads.poll).toBeGreaterThan(0);
  });

  it('the timer at the refresh time, and a tighter poll from then on', async () => {
    fs.isDeaf = true;
    // Issued so long ago that its refresh time is in a moment.
    const issuedAt = new Date(Date.now() - 479_500);
    volume.write(await mintToken({ expiresInSeconds: 600, issuedAt }));
    provider = await ProjectedTokenProvider.open({ path: volume.path, fs, pollIntervalMs: NEVER_MS });
    const { event } = provider.status.counts.reads;
    const token = await rotate({ expiresInSeconds: 600 });
    await inUse(provider, token);
    expect(provider.status.counts.reads).toMatchObject({ event, request: 0, refresh: 0 });
  });

  it('a request that needs a token', async () => {
    fs.isDeaf = true;
    provider = await ProjectedTokenProvider.open({ path: volume.path, fs, pollIntervalMs: NEVER_MS });
    const token = await rotate({ issuedAt: new Date(Date.now() + 3_600_000) });
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_600_000 });
    expect(await provider.getToken()).toBe(token);
    expect(provider.status.counts.reads).toMatchObject({ poll: 0, timer: 0, request: 1 });
  });

  it('a request whose token was refused', async () => {
    fs.isDeaf = true;
    provider = await ProjectedTokenProvider.open({ path: volume.path, fs, pollIntervalMs: NEVER_MS });
    const refused = await provider.getToken();
    const token = await rotate();
    expect(await provider.replaceToken(refused)).toBe(token);
  });
});

describe('a watch that the system does not give', () => {
  it.each(['ENOSPC', 'EMFILE'])(
    '(%s) is told, the file is polled meanwhile, and its return is told as well',
    async (code) => {
      fs.watchError = systemError(code);
      provider = new ProjectedTokenProvider({ path: volume.path, fs, pollIntervalMs: 20 });
      const events = recordEvents(provider);
      const told = nextEvent(provider, 'degraded');
      await provider.start();
      expect(await told).toEqual({ reason: fs.watchError });
      expect(provider.status).toMatchObject({ state: 'ready', watching: 'polling' });

      await inUse(provider, await rotate());
      await inUse(provider, await rotate());

      const restored = nextEvent(provider, 'restored');
      fs.watchError = undefined;
      await restored;
      expect(provider.status.watching).toBe('events');
      // Told once each, however often the poll tried.
      expect(events).toEqual(['degraded', 'rotated', 'rotated', 'restored']);

      const polls = provider.status.counts.reads.event;
      await inUse(provider, await rotate());
      expect(provider.status.counts.reads.event).toBeGreaterThan(polls);
    },
  );

  it('breaks later: the same', async () => {
    provider = await ProjectedTokenProvider.open({ path: volume.path, fs, pollIntervalMs: 20 });
    const degraded = nextEvent(provider, 'degraded');
    fs.watchError = systemError('ENOSPC');
    fs.breakWatches(systemError('EMFILE'));
    expect((await degraded).reason).toMatchObject({ code: 'EMFILE' });
    await inUse(provider, await rotate());
    const restored = nextEvent(provider, 'restored');
    fs.watchError = undefined;
    await restored;
    await inUse(provider, await rotate());
  });

  it('goes deaf without a word: a rotation that only the poll sees has it armed anew', async () => {
    provider = await ProjectedTokenProvider.open({ path: volume.path, fs, pollIntervalMs: 20 });
    expect(fs.watches).toBe(1);
    fs.isDeaf = true;
    await inUse(provider, await rotate());
    await expect.poll(() => fs.watches).toBe(2);
  });
});

describe('a rotation at a bad moment', () => {
  it('between the first read and the armed watch arrives all the same', async () => {
    const token = await mintToken();
    const { watch } = fs;
    const late: FaultyFileSystem = Object.assign(fs, {
      watch: (...args: Parameters<typeof watch>) => {
        // The first read is done; nobody watches yet.
        volume.write(token);
        return watch(...args);
      },
    });
    provider = await ProjectedTokenProvider.open({ path: volume.path, fs: late, pollIntervalMs: NEVER_MS });
    await inUse(provider, token);
  });

  it('in the middle of the first read arrives all the same', async () => {
    const token = await mintToken();
    fs.onOpen = () => {
      volume.write(token);
    };
    provider = await ProjectedTokenProvider.open({ path: volume.path, fs, pollIntervalMs: NEVER_MS });
    await inUse(provider, token);
  });

  it('while a read is under way is read after it', async () => {
    provider = await ProjectedTokenProvider.open({ path: volume.path, fs, pollIntervalMs: NEVER_MS });
    const [second, third] = [await mintToken(), await mintToken()];
    const { open } = fs.promises;
    let isFirst = true;
    Object.assign(fs.promises, {
      open: async (...args: Parameters<typeof open>) => {
        const handle = await open(...args);
        // The file is open: what is swapped in now, this read does not see.
        if (isFirst) volume.write(third);
        isFirst = false;
        return handle;
      },
    });
    volume.write(second);
    await inUse(provider, third);
  });

  it('that leaves no file for a moment is no reason to reject anything', async () => {
    provider = await ProjectedTokenProvider.open({ path: volume.path, fs, pollIntervalMs: NEVER_MS });
    const events = recordEvents(provider);
    let missing = 2;
    fs.onOpen = () => {
      if (missing-- > 0) throw systemError('ENOENT');
    };
    await inUse(provider, await rotate());
    expect(events).toEqual(['rotated']);
    expect(provider.status.counts.rejections).toBe(0);
  });

  it('by unlink and link, as on Windows, is followed', async () => {
    const other = TokenVolume.temporary(tmpdir(), { swap: 'unlink' });
    other.write(await mintToken());
    provider = await ProjectedTokenProvider.open({ path: other.path, pollIntervalMs: NEVER_MS });
    const token = await mintToken();
    for (const step of other.steps(token)) {
      if (step !== 'unlink-data') continue;
      // There is no file now; the token in use stays.
      await provider.refresh();
      expect(provider.current).toBeDefined();
    }
    await inUse(provider, token);
    other.unmount();
  });
});

describe('many providers of one directory', () => {
  it('share one watch, and the last to close ends it', async () => {
    provider = await ProjectedTokenProvider.open({ path: volume.path });
    const watches = inotifyWatches();
    expect(watches).toBeGreaterThan(0);
    const others = await Promise.all(
      Array.from({ length: 999 }, () => ProjectedTokenProvider.open({ path: volume.path })),
    );
    expect(inotifyWatches()).toBe(watches);

    const token = await mintToken();
    const arrived = Promise.all([provider, ...others].map((each) => inUse(each, token)));
    volume.write(token);
    await arrived;

    await Promise.all(others.map((other) => other.close()));
    expect(inotifyWatches()).toBe(watches);
    await inUse(provider, await rotate());
    await provider.close();
    await expect.poll(inotifyWatches).toBe(0);
  });

  it('by different paths into it, too', async () => {
    provider = await ProjectedTokenProvider.open({ path: volume.path, fs });
    const other = await ProjectedTokenProvider.open({ path: volume.directory, fs });
    expect(fs.watches).toBe(1);
    await other.close();
  });

  it('each read what they accept, and do not mind one another', async () => {
    provider = await ProjectedTokenProvider.open({ path: volume.path, fs });
    const picky = await ProjectedTokenProvider.open({ path: volume.path, fs, audience: 'vault' });
    const kept = picky.current;
    const rejected = nextEvent(picky, 'rejected');
    await inUse(provider, await rotate({ audience: 'other' }));
    expect((await rejected).error).toMatchObject({ code: 'ERR_TOKEN_AUDIENCE' });
    expect(picky.current).toBe(kept);
    await picky.close();
  });
});
