import { tmpdir } from 'node:os';
import { ProjectedTokenProvider } from 'projected-token';
import { mintToken, TokenVolume } from 'projected-token/testing';
import { beforeEach, expect, it, vi } from 'vitest';
import { systemError } from '../helpers/faulty-file-system.js';
import { inUse, nextEvent } from '../helpers/provider-events.js';

// chokidar itself, unless the system is to be out of watches: that cannot be had for real without taking them from all others.
const system = vi.hoisted(() => ({ watchError: undefined as Error | undefined }));
vi.mock('chokidar', async (importOriginal) => {
  const original = await importOriginal<typeof import('chokidar')>();
  const watch: typeof original.watch = (...args) => {
    if (system.watchError === undefined) return original.watch(...args);
    const watcher = new original.FSWatcher();
    setImmediate(() => watcher.emit('error', system.watchError));
    return watcher;
  };
  return { ...original, watch };
});

beforeEach(() => {
  system.watchError = undefined;
});

it.each(['ENOSPC', 'EMFILE'])('a node that is out of watches (%s): degraded, polling, restored', async (code) => {
  using volume = TokenVolume.temporary(tmpdir());
  volume.write(await mintToken());
  system.watchError = systemError(code);
  const provider = new ProjectedTokenProvider({ path: volume.path, pollIntervalMs: 20 });
  const degraded = nextEvent(provider, 'degraded');
  await provider.start();
  expect((await degraded).reason).toMatchObject({ code });
  expect(provider.status.watching).toBe('polling');

  const polled = await mintToken();
  volume.write(polled);
  await inUse(provider, polled);

  const restored = nextEvent(provider, 'restored');
  system.watchError = undefined;
  await restored;
  expect(provider.status.watching).toBe('events');
  const told = await mintToken();
  volume.write(told);
  await inUse(provider, told);
  await provider.close();
});
