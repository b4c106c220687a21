import type { VaultTokenProvider } from 'projected-token/vault';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fakeClock, passSeconds, realClock, START } from '../helpers/fake-clock.js';
import { nextEvent, recordEvents, VaultScene } from '../helpers/vault-scene.js';

let scene: VaultScene;
let provider: VaultTokenProvider;

beforeEach(() => fakeClock(0.5));
afterEach(async () => {
  await scene.close();
  realClock();
});

describe('Events', () => {
  it('tell of a login and of each renewal what may be told of the token', async () => {
    scene = await VaultScene.start({ ttlSeconds: 600 });
    provider = scene.provider();
    const told = recordEvents(provider);
    await provider.start();
    const renewed = nextEvent(provider, 'renewed');
    await passSeconds(400);
    await renewed;
    const at = (seconds: number) => new Date(START + seconds * 1000);
    const both = { policies: ['app', 'default'], isRenewable: true };
    expect(told).toEqual({
      names: ['login', 'renewed'],
      payloads: [
        { token: { ...both, obtainedAt: at(0), refreshAt: at(400), expiresAt: at(600) } },
        { token: { ...both, obtainedAt: at(400), refreshAt: at(800), expiresAt: at(1000) } },
      ],
    });
    expect(told.payloads[1]).toEqual({ token: provider.status.token });
  });
});

describe('Listeners', () => {
  it('that throw break neither the login nor each other, and are told of', async () => {
    scene = await VaultScene.start();
    provider = scene.provider();
    const cause = new Error('listener');
    provider.on('login', () => {
      throw cause;
    });
    const told = recordEvents(provider);
    await provider.start();
    expect(await provider.getToken()).toMatch(/^hvs\./);
    expect(told.names.sort()).toEqual(['error', 'login']);
    expect(told.payloads).toContainEqual(expect.objectContaining({ code: 'ERR_TOKEN_LISTENER', cause }));
  });

  it('are not needed: a failure of which nobody is told breaks nothing', async () => {
    scene = await VaultScene.start();
    provider = await scene.open();
    await scene.vault.close();
    await passSeconds(3000);
    await expect.poll(() => provider.status.counts.failures).toBeGreaterThan(0);
    expect(await provider.getToken()).toMatch(/^hvs\./);
  });
});
