import { inspect } from 'node:util';
import type { VaultTokenProvider } from 'projected-token/vault';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fakeClock, passSeconds, realClock } from '../helpers/fake-clock.js';
import { expectNoSecret, secret } from '../helpers/secrets.js';
import { nextEvent, recordEvents, VaultScene } from '../helpers/vault-scene.js';

let scene: VaultScene;
let provider: VaultTokenProvider;

beforeEach(() => fakeClock(0.5));
afterEach(async () => {
  await scene.close();
  realClock();
});

/** What the inspectors of loggers make of a value. */
const inspected = (value: unknown) =>
  inspect(value, { depth: Number.POSITIVE_INFINITY, showHidden: true, getters: true }) +
  inspect(value, { depth: 20, customInspect: false });

/** What becomes of a value that is no provider: it can be written as JSON, and as text. */
const printed = (value: unknown) =>
  [inspected(value), JSON.stringify(value), String((value as Error)?.stack)].join('\n');

describe('No part of a token', () => {
  it('shows in a provider, its status or its events, through login, renewal, refusal and failure', async () => {
    scene = await VaultScene.start({ ttlSeconds: 600 });
    provider = scene.provider({ revokeOnClose: true });
    const told = recordEvents(provider);
    secret(scene.source.current);
    await provider.start();
    const first = secret(await provider.getToken());
    const shown = [inspected(provider), printed(provider.status)];

    const renewed = nextEvent(provider, 'renewed');
    await passSeconds(400);
    await renewed;
    // Vault says in its answer what it was sent.
    const fault = (status: number, sent: string) => ({ status, errors: [`what of ${sent}?`] });
    scene.vault.revokeTokens();
    scene.vault.failNext(fault(403, first), fault(403, scene.source.current));
    await provider.replaceToken(first);
    scene.vault.failNext(fault(503, first));
    const failed = nextEvent(provider, 'error');
    await passSeconds(400);
    await failed;
    // Three quarters of a quarter of the 400 s, and no more: what passes after it counts against the time limit of the request.
    const loggedIn = nextEvent(provider, 'login');
    await passSeconds(75);
    await loggedIn;
    const second = secret(await provider.getToken());
    shown.push(inspected(provider), printed(provider.status));
    scene.vault.failNext(fault(400, second));
    await provider.close();

    expect(told.names).toEqual(['login', 'renewed', 'error', 'error', 'login', 'error', 'closed']);
    shown.push(...told.payloads.map(printed));
    for (const output of shown) expectNoSecret(output);
    expect(shown.join('\n')).toContain('what of [token]?');
  });
});
