import { afterEach, describe, expect, it } from 'vitest';
import { createLoopbackCertificate } from '../../src/testing/loopback-certificate.js';
import { rejectionOf } from '../helpers/federation.js';
import { VaultScene } from '../helpers/vault-scene.js';

let scene: VaultScene;

afterEach(() => scene.close());

describe('A Vault with a certificate of an authority of its own', () => {
  it('is trusted by that authority', async () => {
    scene = await VaultScene.start({}, { tls: true });
    expect(scene.vault.origin).toMatch(/^https:/);
    const provider = await scene.open();
    expect(await provider.getToken()).toMatch(/^hvs\./);
  });

  it.each([
    ['another authority', createLoopbackCertificate().cert, 'The option "ca" does not hold the one that signed it.'],
    ['those of Node', undefined, 'Set the option "ca".'],
  ])('is not trusted by %s, gets no token, and the error says what to change', async (_what, ca, advice) => {
    scene = await VaultScene.start({}, { tls: true });
    // Not tried again for the 30 s of readyTimeoutMs: nothing gets better by that.
    const begunAt = performance.now();
    const error = await rejectionOf(scene.open({ ca }));
    expect(performance.now() - begunAt).toBeLessThan(10_000);
    expect(error).toMatchObject({
      code: 'ERR_EXCHANGE_UNAVAILABLE',
      isRetryable: false,
      message: `Cannot reach Vault at ${scene.vault.origin}: the certificate is signed by an unknown authority (DEPTH_ZERO_SELF_SIGNED_CERT). ${advice}`,
      cause: { code: 'DEPTH_ZERO_SELF_SIGNED_CERT', isPermanent: true },
    });
    expect(scene.vault.requests).toEqual([]);
  });
});

describe('A Vault in clear text', () => {
  it.each(['http://127.0.0.1', 'http://localhost', 'http://[::1]'])('may be on loopback: %s', async (address) => {
    scene = await VaultScene.start();
    expect(() => scene.provider({ address })).not.toThrow();
  });

  it('may not be elsewhere', async () => {
    scene = await VaultScene.start();
    expect(() => scene.provider({ address: 'http://vault.internal:8200' })).toThrow(
      expect.objectContaining({ code: 'ERR_TOKEN_ORIGIN', message: expect.stringContaining('in clear text') }),
    );
  });

  it('may be elsewhere when that very origin is listed', async () => {
    scene = await VaultScene.start();
    const address = 'http://vault.internal:8200';
    expect(() => scene.provider({ address, origins: [address] })).not.toThrow();
    expect(() => scene.provider({ address, origins: ['https://vault.internal:8200'] })).toThrow();
  });
});
