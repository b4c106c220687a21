import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { promisify } from 'node:util';
import { ProjectedTokenProvider } from 'projected-token';
import { mintToken, TokenVolume } from 'projected-token/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { REPOSITORY } from '../helpers/built-package.js';
import { inotifyWatches } from '../helpers/inotify-watches.js';
import { inUse, nextEvent, recordEvents } from '../helpers/provider-events.js';

const run = promisify(execFile);

let volume: TokenVolume;

beforeEach(async () => {
  volume = TokenVolume.temporary(tmpdir());
  volume.write(await mintToken());
});
afterEach(() => volume.unmount());

const open = (options = {}) => ProjectedTokenProvider.open({ path: volume.path, ...options });

describe('close', () => {
  it('can be called twice, tells it once, and ends everything', async () => {
    const provider = await open();
    const events = recordEvents(provider);
    const [first, second] = [provider.close(), provider.close()];
    await Promise.all([first, second, provider.close()]);
    expect(events).toEqual(['closed']);
    expect(provider.current).toBeUndefined();
    expect(provider.status.state).toBe('closed');
    expect(provider.eventNames()).toEqual([]);
    const closed = { code: 'ERR_TOKEN_CLOSED' };
    await expect(provider.getToken()).rejects.toMatchObject(closed);
    await expect(provider.replaceToken('a.b.c')).rejects.toMatchObject(closed);
    await expect(provider.refresh()).rejects.toMatchObject(closed);
  });

  it('while opening ends open', async () => {
    volume.corrupt();
    const provider = new ProjectedTokenProvider({ path: volume.path });
    const starting = provider.start();
    const rejected = nextEvent(provider, 'rejected');
    await rejected;
    await provider.close();
    await expect(starting).rejects.toMatchObject({ code: 'ERR_TOKEN_CLOSED' });
  });

  it('before anything began, too', async () => {
    const provider = new ProjectedTokenProvider({ path: volume.path });
    const starting = provider.start();
    await provider.close();
    await expect(starting).rejects.toMatchObject({ code: 'ERR_TOKEN_CLOSED' });
  });

  it('in a listener of the event that is being told', async () => {
    const provider = await open();
    const closed = nextEvent(provider, 'closed');
    provider.on('rotated', () => void provider.close());
    volume.write(await mintToken());
    await closed;
    await expect(provider.getToken()).rejects.toMatchObject({ code: 'ERR_TOKEN_CLOSED' });
  });

  it('comes with the end of an await using block', async () => {
    let outer: ProjectedTokenProvider;
    {
      await using provider = await open();
      outer = provider;
      expect(outer.status.state).toBe('ready');
    }
    expect(outer.status.state).toBe('closed');
  });

  it('leaves no timer and no watch behind', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const provider = await open();
    const token = await mintToken();
    const arrived = inUse(provider, token);
    volume.write(token);
    await arrived;
    expect(vi.getTimerCount()).toBeGreaterThan(0);
    expect(inotifyWatches()).toBeGreaterThan(0);
    await provider.close();
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
    await expect.poll(inotifyWatches).toBe(0);
  });
});

describe('the signal', () => {
  it('that has aborted lets nothing begin', async () => {
    const reason = new Error('too late');
    await expect(open({ signal: AbortSignal.abort(reason) })).rejects.toMatchObject({
      code: 'ERR_TOKEN_ABORTED',
      name: 'AbortError',
      cause: reason,
    });
  });

  it('that aborts while opening ends open with its reason as cause', async () => {
    volume.corrupt();
    const controller = new AbortController();
    const reason = new Error('shutting down');
    const provider = new ProjectedTokenProvider({ path: volume.path, signal: controller.signal });
    const starting = provider.start();
    await nextEvent(provider, 'rejected');
    controller.abort(reason);
    await expect(starting).rejects.toMatchObject({ code: 'ERR_TOKEN_ABORTED', cause: reason });
    expect(provider.status.state).toBe('closed');
  });

  it('that aborts later closes the provider', async () => {
    const controller = new AbortController();
    const provider = await open({ signal: controller.signal });
    const closed = nextEvent(provider, 'closed');
    controller.abort();
    await closed;
    expect(provider.status.state).toBe('closed');
  });

  it('may end very many waits, and Node has nothing to warn of', async () => {
    const warned = vi.fn();
    process.on('warning', warned);
    volume.corrupt();
    const { signal } = new AbortController();
    const provider = new ProjectedTokenProvider({ path: volume.path });
    const starting = provider.start();
    const waits = Array.from({ length: 100 }, () => provider.getToken({ signal }).catch(() => {}));
    volume.write(await mintToken());
    await starting;
    await Promise.all(waits);
    await provider.close();
    // A warning is told in a later turn.
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', warned);
    expect(warned).not.toHaveBeenCalled();
  });

  it('holds nothing of a provider that was closed', async () => {
    const controller = new AbortController();
    const remove = vi.spyOn(controller.signal, 'removeEventListener');
    const add = vi.spyOn(controller.signal, 'addEventListener');
    const provider = await open({ signal: controller.signal });
    await provider.getToken({ signal: controller.signal });
    await provider.close();
    const names = (calls: unknown[][]) => calls.map(([name, listener]) => [name, listener]);
    expect(names(remove.mock.calls)).toEqual(expect.arrayContaining(names(add.mock.calls)));
  });
});

describe('a listener that throws', () => {
  it('breaks neither the provider nor the other listeners, and is told as an error', async () => {
    const provider = await open();
    const mistake = new Error('a mistake of the program');
    const heard: string[] = [];
    provider.on('rotated', () => {
      throw mistake;
    });
    provider.on('rotated', () => heard.push('rotated'));
    const error = nextEvent(provider, 'error');
    const token = await mintToken();
    volume.write(token);
    expect(await error).toMatchObject({ code: 'ERR_TOKEN_LISTENER', event: 'rotated', cause: mistake });
    expect(heard).toEqual(['rotated']);
    expect(await provider.getToken()).toBe(token);
    await provider.close();
  });

  it('or whose promise rejects, is told in the same way', async () => {
    const provider = await open();
    const mistake = new Error('a mistake of the program');
    provider.on('rotated', async () => {
      throw mistake;
    });
    const error = nextEvent(provider, 'error');
    volume.write(await mintToken());
    expect(await error).toMatchObject({ event: 'rotated', cause: mistake });
    await provider.close();
  });

  it('is a warning of the process where nobody listens to errors', async () => {
    const provider = await open();
    const warned = new Promise<Error>((resolve) => process.once('warning', resolve));
    provider.on('rotated', () => {
      throw new Error('a mistake of the program');
    });
    const token = await mintToken();
    volume.write(token);
    expect(await warned).toMatchObject({ code: 'ERR_TOKEN_LISTENER' });
    await inUse(provider, token);
    await provider.close();
  });

  it('once removed, is not called', async () => {
    const provider = await open();
    const listener = vi.fn();
    provider.on('rotated', listener);
    provider.off('rotated', listener);
    volume.write(await mintToken());
    await nextEvent(provider, 'rotated');
    expect(listener).not.toHaveBeenCalled();
    await provider.close();
  });
});

describe('a program', () => {
  const program = (source: string) =>
    run(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', source], {
      cwd: REPOSITORY,
      // A program that does not end by itself fails the test.
      timeout: 20_000,
    });

  it.each([
    ['', 'does not close'],
    ["provider.on('rotated', () => {});", 'listens'],
    ['await provider.close();', 'closes'],
  ])('that opens a provider (%s) ends by itself: it %s', async (more) => {
    const { stdout } = await program(`
      const { ProjectedTokenProvider } = await import('./src/index.ts');
      const provider = await ProjectedTokenProvider.open({ path: ${JSON.stringify(volume.path)} });
      ${more}
      console.log((await 'done'));
    `);
    expect(stdout).toBe('done\n');
  });
});
