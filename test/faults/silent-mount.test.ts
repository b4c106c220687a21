import { lookup } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { BoundToken, ProjectedTokenProvider } from 'projected-token';
import { mintToken, TokenVolume } from 'projected-token/testing';
import { expect } from 'vitest';
import { FuseVolume, mayMountFuse } from '../helpers/fuse-volume.js';
import { recordEvents } from '../helpers/provider-events.js';
import { waitingThreads } from '../helpers/waiting-threads.js';
import { fault } from './fault.js';

// A real file system whose daemon is stopped: what asks it waits in the kernel, and holds a thread of libuv's pool.

/** How long anything of the library may take that waits for the volume: its own limit, and what a loaded machine adds. */
const LIMIT_MS = 6000;

const askedForAnswer = /^request_wait_answer|^fuse_/;

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  const late = pause(ms, undefined, { ref: false }).then(() => {
    throw new Error(`It took longer than ${ms} ms.`);
  });
  return Promise.race([work, late]);
}

fault(
  'the mount does not answer',
  '`ERR_TOKEN_READ_FAILED` within 3 s, a refused token has no replacement; in use again within a second of its return',
  async () => {
    await using mount = await FuseVolume.mount(await mintToken());
    await using provider = await ProjectedTokenProvider.open({ path: mount.path, pollIntervalMs: 100 });
    expect(provider.status).toMatchObject({ state: 'ready', file: 'projected' });
    const token = await provider.getToken();
    mount.stopAnswering();
    expect(await within(LIMIT_MS, provider.replaceToken(token))).toBeUndefined();
    expect(provider.status.lastError).toMatchObject({
      code: 'ERR_TOKEN_READ_FAILED',
      message: expect.stringContaining('its volume did not answer within 3 s'),
    });
    expect(provider.status.state).toBe('ready');
    expect(await provider.getToken()).toBe(token);
    mount.answerAgain();
    await expect.poll(() => provider.status.lastError, { timeout: 3000 }).toBeUndefined();
  },
  mayMountFuse,
);

fault(
  'the mount does not answer while the token expires',
  '`expired` and `status` by the clock, `ERR_TOKEN_EXPIRED`; `close` within a second',
  async () => {
    const token = await mintToken({ expiresInSeconds: 600 });
    await using mount = await FuseVolume.mount(token);
    // Usable for a few seconds from now on, however long the mount took.
    const usableUntilMs = Date.now() + 4000;
    const expiryMarginSeconds = (BoundToken.parse(token).expiresAt!.getTime() - usableUntilMs) / 1000;
    const provider = await ProjectedTokenProvider.open({ path: mount.path, pollIntervalMs: 50, expiryMarginSeconds });
    const events = recordEvents(provider);
    mount.stopAnswering();
    await pause(Math.max(0, usableUntilMs - Date.now()) + 50);
    expect(provider.status).toMatchObject({ state: 'expired', token: undefined });
    expect(provider.current).toBeUndefined();
    await expect.poll(() => events, { timeout: 2000 }).toContain('expired');
    await expect(within(LIMIT_MS, provider.getToken())).rejects.toMatchObject({
      code: 'ERR_TOKEN_EXPIRED',
      cause: { code: 'ERR_TOKEN_READ_FAILED' },
    });
    await within(LIMIT_MS, provider.close());
  },
  mayMountFuse,
);

fault(
  'the mount does not answer ten providers',
  "one thread of libuv's pool is held; names are resolved, other files read and other volumes followed",
  async () => {
    await using mount = await FuseVolume.mount(await mintToken());
    using healthy = TokenVolume.temporary(tmpdir());
    healthy.write(await mintToken());
    const options = { pollIntervalMs: 20 };
    const paths = [mount.path, mount.directory, `${mount.directory}/..data/vault-token`];
    const providers = await Promise.all(
      Array.from({ length: 9 }, (_, index) => ProjectedTokenProvider.open({ path: paths[index % 3], ...options })),
    );
    await using other = await ProjectedTokenProvider.open({ path: healthy.path, ...options });
    mount.stopAnswering();
    // One that has never been on it, and goes through a link to it.
    const opening = ProjectedTokenProvider.open({ path: `${mount.directory}/..1/vault-token`, readyTimeoutMs: 4000 });
    const late = expect(within(LIMIT_MS, opening)).rejects.toMatchObject({ code: 'ERR_TOKEN_READ_FAILED' });
    const refused = Promise.all(providers.map((provider) => provider.replaceToken(provider.current!.value)));
    await expect.poll(() => waitingThreads(askedForAnswer)).toBe(1);
    for (let round = 0; round < 20; round++) {
      expect(waitingThreads(askedForAnswer)).toBe(1);
      await within(2000, Promise.all([lookup('localhost'), readFile('/etc/hosts'), pause(200)]));
      const token = await mintToken();
      healthy.write(token);
      await expect.poll(() => other.current?.value, { timeout: 2000 }).toBe(token);
    }
    expect(await within(LIMIT_MS, refused)).toEqual(Array.from({ length: 9 }, () => undefined));
    await late;
    mount.answerAgain();
    for (const provider of providers) {
      await expect.poll(() => provider.status.lastError, { timeout: 3000 }).toBeUndefined();
    }
    await Promise.all(providers.map((provider) => provider.close()));
  },
  mayMountFuse,
);
