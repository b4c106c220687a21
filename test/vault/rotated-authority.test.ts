import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { fakeClock, passSeconds, realClock } from '../helpers/fake-clock.js';
import { TlsFront } from '../helpers/tls-front.js';
import { nextEvent, recordEvents, VaultScene } from '../helpers/vault-scene.js';

let scene: VaultScene;
let front: TlsFront;

beforeEach(() => {
  const now = Date.now();
  fakeClock(0.5);
  // OpenSSL looks at the real clock, so the certificates are made by it.
  vi.setSystemTime(now);
});
afterEach(async () => {
  await scene.close();
  await front.close();
  realClock();
});

it.each(['bundle', 'file', 'server'] as const)(
  'The CA of Vault rotates under a provider, the %s first, without a failure',
  async (order) => {
    scene = await VaultScene.start({ ttlSeconds: 60 });
    front = await TlsFront.start(scene.vault.origin);
    const provider = await scene.open({ address: front.origin, ca: front.caFile });
    const told = recordEvents(provider);
    for (let rotation = 0; rotation < 10; rotation++) {
      await front.rotate(order);
      const renewed = nextEvent(provider, 'renewed');
      // Two thirds of the lease.
      await passSeconds(40);
      await renewed;
    }
    expect(provider.status).toMatchObject({ state: 'ready', counts: { logins: 1, renewals: 10, failures: 0 } });
    expect(new Set(told.names)).toEqual(new Set(['renewed']));
  },
);
