import { tmpdir } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { ProjectedTokenProvider } from 'projected-token';
import { mintToken, TokenVolume, type TokenVolumeOptions } from 'projected-token/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KubeletProcess } from '../helpers/kubelet-process.js';
import { inUse, nextEvent, recordEvents } from '../helpers/provider-events.js';

// Directory events alone: neither the safety poll nor the timers may help.
const EVENTS_ONLY = { pollIntervalMs: 2 ** 31 - 1, audience: 'vault' };

let volume: TokenVolume;
let provider: ProjectedTokenProvider;

async function open(options: Omit<TokenVolumeOptions, 'directory'> = {}): Promise<void> {
  volume = TokenVolume.temporary(tmpdir(), options);
  volume.write(await mintToken());
  provider = await ProjectedTokenProvider.open({ path: volume.path, ...EVENTS_ONLY });
}

function mint(count: number): Promise<string[]> {
  return Promise.all(Array.from({ length: count }, () => mintToken()));
}

afterEach(async () => {
  await provider.close();
  volume.unmount();
});

describe('a rotation', () => {
  beforeEach(() => open());

  it('is told with the token before and after it, once', async () => {
    const previous = provider.current!;
    const token = await mintToken();
    const events = recordEvents(provider);
    const told = nextEvent(provider, 'rotated');
    volume.write(token);
    const event = await told;
    expect(event.current.value).toBe(token);
    expect(event.previous).toBe(previous);
    expect(provider.current).toBe(event.current);
    await expect(provider.getToken()).resolves.toBe(token);
    await provider.refresh();
    expect(events).toEqual(['rotated']);
    expect(provider.status).toMatchObject({ watching: 'events', file: 'projected', counts: { rotations: 1 } });
  });

  it.each([3, 20, 60])('arrives when another follows %i ms later, and so does that', async (everyMs) => {
    for (let pair = 0; pair < 15; pair++) {
      const [first, last] = await mint(2);
      volume.write(first!);
      await pause(everyMs);
      volume.write(last!);
      await inUse(provider, last!);
    }
  });

  it('arrives 200 times in a row', async () => {
    const tokens = await mint(200);
    for (const token of tokens) {
      volume.write(token);
      await pause(1);
    }
    await inUse(provider, tokens.at(-1)!);
    expect(provider.status.counts.rejections).toBe(0);
  });

  it('to the token that is there already is none', async () => {
    const events = recordEvents(provider);
    volume.write(provider.current!.value);
    await provider.refresh();
    expect(events).toEqual([]);
  });
});

describe('a rotation by another process', () => {
  it.each([3, 20, 60])('arrives when another follows %i ms later, and so does that', async (everyMs) => {
    await open();
    await using kubelet = await KubeletProcess.start({ directory: volume.directory });
    for (let pair = 0; pair < 15; pair++) {
      const tokens = await mint(2);
      await kubelet.write(tokens, everyMs);
      await inUse(provider, tokens[1]!);
    }
  });

  it.each([0, 2, 20])('arrives 200 times in a row, %i ms apart', async (everyMs) => {
    await open();
    await using kubelet = await KubeletProcess.start({ directory: volume.directory });
    const tokens = await mint(200);
    await kubelet.write(tokens, everyMs);
    await inUse(provider, tokens.at(-1)!);
    // A moment without a file in the middle of a swap is normal, and no reason to reject anything.
    expect(provider.status.counts.rejections).toBe(0);
  });

  it('gives every token that was long enough in the volume', async () => {
    await open();
    await using kubelet = await KubeletProcess.start({ directory: volume.directory });
    const tokens = await mint(50);
    const seen: string[] = [];
    provider.on('rotated', ({ current }) => seen.push(current.value));
    for (const token of tokens) {
      const arrived = inUse(provider, token);
      await kubelet.write([token]);
      await arrived;
    }
    expect(seen).toEqual(tokens);
  });
});

describe.each([
  ['before the swap, as kubelets do', { gid: 2000 }],
  ['after the swap, as older kubelets did', { gid: 2000, beforeSwap: false }],
])('a rotation with fsGroup set %s', (_, fsGroup) => {
  // Only root may give files to a group that it is not in.
  it.skipIf(process.getuid?.() !== 0)('arrives, whatever its attribute events made be read before', async () => {
    await open({ fsGroup });
    for (const token of await mint(20)) {
      for (const step of volume.steps(token)) {
        // The provider reads the old token on account of these, and must not take that for the answer.
        if (step === 'own-volume') await pause(5);
      }
      await inUse(provider, token);
    }
  });
});
