import type { VaultTokenProvider } from 'projected-token/vault';
import { afterEach, describe, expect, it } from 'vitest';
import { rejectionOf } from '../helpers/federation.js';
import { nextEvent, VaultScene } from '../helpers/vault-scene.js';

let scene: VaultScene;
let provider: VaultTokenProvider;

afterEach(() => scene.close());

describe('The signal', () => {
  it('that aborts closes the provider', async () => {
    const controller = new AbortController();
    scene = await VaultScene.start();
    provider = await scene.open({ signal: controller.signal, revokeOnClose: true });
    const closed = nextEvent(provider, 'closed');
    controller.abort();
    await closed;
    expect(scene.vault.validTokens).toBe(0);
  });

  it('that aborts while opening ends it, with its reason as cause', async () => {
    scene = await VaultScene.start();
    scene.vault.isSealed = true;
    const controller = new AbortController();
    provider = scene.provider({ signal: controller.signal });
    const failed = nextEvent(provider, 'error');
    const error = rejectionOf(provider.start());
    await failed;
    const reason = new Error('shutting down');
    controller.abort(reason);
    expect(await error).toMatchObject({ code: 'ERR_TOKEN_ABORTED', name: 'AbortError', cause: reason });
    expect(provider.status.state).toBe('closed');
  });

  it('that has aborted lets nothing begin', async () => {
    scene = await VaultScene.start();
    expect(await rejectionOf(scene.open({ signal: AbortSignal.abort() }))).toHaveProperty('code', 'ERR_TOKEN_ABORTED');
    expect(scene.requests).toEqual([]);
  });

  it('of a call ends that call only', async () => {
    scene = await VaultScene.start();
    provider = scene.provider();
    const controller = new AbortController();
    const impatient = rejectionOf(provider.getToken({ signal: controller.signal }));
    const patient = provider.getToken();
    controller.abort();
    expect(await impatient).toHaveProperty('code', 'ERR_TOKEN_ABORTED');
    expect(await patient).toMatch(/^hvs\./);
  });
});
