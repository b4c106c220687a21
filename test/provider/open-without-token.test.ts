import { tmpdir } from 'node:os';
import { ProjectedTokenProvider } from 'projected-token';
import { mintToken, TokenVolume } from 'projected-token/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FaultyFileSystem } from '../helpers/faulty-file-system.js';
import { nextEvent, recordEvents } from '../helpers/provider-events.js';

let volume: TokenVolume;
let provider: ProjectedTokenProvider | undefined;

beforeEach(() => {
  volume = TokenVolume.temporary(tmpdir());
});
afterEach(async () => {
  await provider?.close();
  volume.unmount();
});

const open = (options = {}) => ProjectedTokenProvider.open({ path: volume.path, waitForToken: false, ...options });

describe('open that does not wait for a token', () => {
  it('resolves with a provider that is not ready, and says why', async () => {
    provider = await open();
    expect(provider.status).toMatchObject({ state: 'opening', lastError: { code: 'ERR_TOKEN_NOT_FOUND' } });
    expect(provider.current).toBeUndefined();
    expect(provider.peekToken()).toBeUndefined();
    await expect(provider.getToken()).rejects.toMatchObject({ code: 'ERR_TOKEN_NOT_FOUND' });
    expect(await provider.replaceToken('a.b.c')).toBeUndefined();
  });

  it('is followed by "recovered", once, when the first token comes', async () => {
    provider = await open();
    const events = recordEvents(provider);
    const recovered = nextEvent(provider, 'recovered');
    const token = await mintToken();
    volume.write(token);
    expect((await recovered).current.value).toBe(token);
    expect(provider.status.state).toBe('ready');
    expect(await provider.getToken()).toBe(token);
    const rotated = nextEvent(provider, 'rotated');
    volume.write(await mintToken());
    await rotated;
    expect(events.filter((event) => event !== 'rejected')).toEqual(['recovered', 'rotated']);
  });

  it('finds a token that is there, and has nothing to recover from', async () => {
    const token = await mintToken();
    volume.write(token);
    provider = await open();
    const events = recordEvents(provider);
    expect(provider.status.state).toBe('ready');
    expect(provider.peekToken()).toBe(token);
    await provider.refresh();
    expect(events).toEqual([]);
  });

  it('resolves also when the volume does not answer', async () => {
    const fs = Object.assign(new FaultyFileSystem(), { onOpen: () => new Promise<void>(() => {}) });
    provider = await open({ fs });
    expect(provider.status).toMatchObject({ state: 'opening', lastError: { code: 'ERR_TOKEN_READ_FAILED' } });
  });

  it('ends with its signal all the same', async () => {
    await expect(open({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ERR_TOKEN_ABORTED' });
  });
});

describe('open that waits', () => {
  it('has nothing to recover from', async () => {
    provider = new ProjectedTokenProvider({ path: volume.path });
    const events = recordEvents(provider);
    const starting = provider.start();
    await nextEvent(provider, 'rejected');
    volume.write(await mintToken());
    await starting;
    expect(events).not.toContain('recovered');
  });
});

it('the option is true or false', () => {
  expect(() => new ProjectedTokenProvider({ waitForToken: 'no' as never })).toThrow('"waitForToken"');
});
