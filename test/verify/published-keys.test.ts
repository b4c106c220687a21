import { EmbeddedApiServer } from 'projected-token/testing';
import type { TokenVerifierOptions } from 'projected-token/verify';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { rejectionOf, SettableSource } from '../helpers/federation.js';
import { verifierCluster } from '../helpers/verifier-cluster.js';

afterEach(() => {
  vi.useRealTimers();
});

/** The same token under another key id; its signature is wrong now. */
function withKid(token: string, kid: string): string {
  const [, ...rest] = token.split('.');
  return [Buffer.from(JSON.stringify({ alg: 'ES256', kid })).toString('base64url'), ...rest].join('.');
}

describe('By published keys', () => {
  const { start, server, serviceToken, tokenOf, verifierOf } = verifierCluster();
  const keyFetches = () =>
    server()
      .paths()
      .filter((path) => path === '/openid/v1/jwks').length;

  it('gives the identity of the sender, which cannot be changed', async () => {
    await start();
    const { podUid } = server();
    const { token } = await tokenOf({ bound: true });
    const identity = await verifierOf().verify(token);
    expect(identity).toMatchObject({
      namespace: 'shop',
      serviceAccount: { name: 'checkout', uid: expect.stringMatching(/^[\da-f-]{36}$/) },
      pod: { name: 'checkout-1', uid: podUid },
      node: { name: 'worker-1' },
      subject: 'system:serviceaccount:shop:checkout',
      audiences: ['billing'],
      expiresAt: new Date(identity.claims.exp! * 1000),
      fingerprint: expect.stringMatching(/^[\da-f]{12}$/),
    });
    expect(() => Object.assign(identity, { namespace: 'kube-system' })).toThrow(TypeError);
    expect(() => Object.assign(identity.serviceAccount, { name: 'admin' })).toThrow(TypeError);
  });

  it('fetches discovery document and keys once for any number of tokens', async () => {
    await start();
    const verifier = verifierOf();
    const tokens = await Promise.all(Array.from({ length: 20 }, () => tokenOf()));
    await Promise.all(tokens.map(({ token }) => verifier.verify(token)));
    await verifier.verify(tokens[0]!.token);
    expect(server().paths()).toEqual(['/.well-known/openid-configuration', '/openid/v1/jwks']);
  });

  it('follows a rotation of the keys at once: one fetch for many tokens of the new key', async () => {
    await start();
    const verifier = verifierOf();
    const old = await tokenOf();
    await verifier.verify(old.token);
    await server().rotateKey();
    const fresh = await Promise.all([tokenOf(), tokenOf(), tokenOf()]);
    await Promise.all(fresh.map(({ token }) => verifier.verify(token)));
    await verifier.verify(old.token);
    expect(keyFetches()).toBe(2);
  });

  it('accepts a key that was published while the keys were being fetched', async () => {
    await start();
    const verifier = verifierOf();
    const old = await tokenOf();
    await verifier.verify(old.token);
    await server().rotateKey();
    const [fresh, other] = await Promise.all([tokenOf(), tokenOf()]);
    const first = verifier.verify(fresh.token);
    await vi.waitFor(() => expect(keyFetches()).toBe(2), { interval: 1 });
    await server().rotateKey();
    const newest = await tokenOf();
    await Promise.all([first, verifier.verify(newest.token), verifier.verify(other.token)]);
    expect(keyFetches()).toBe(3);
  });

  it('follows five rotations in a row, and one in 10 s after that', async () => {
    await start();
    vi.useFakeTimers({ toFake: ['Date', 'performance'] });
    const verifier = verifierOf();
    await verifier.verify((await tokenOf()).token);
    for (let rotation = 0; rotation < 5; rotation++) {
      await server().rotateKey();
      await serviceToken();
      await verifier.verify((await tokenOf()).token);
    }
    await server().rotateKey();
    await serviceToken();
    const { token } = await tokenOf();
    vi.advanceTimersByTime(9_999);
    expect(await rejectionOf(verifier.verify(token))).toHaveProperty('code', 'ERR_VERIFY_KEY');
    vi.advanceTimersByTime(1);
    await verifier.verify(token);
  });

  it('does not let made-up kids make it fetch more often than that, nor keep a new key out for longer than 10 s', async () => {
    await start();
    vi.useFakeTimers({ toFake: ['Date', 'performance'] });
    const verifier = verifierOf();
    const { token } = await tokenOf();
    await verifier.verify(token);
    const attack = async () => {
      for (let n = 0; n < 20; n++) {
        const error = await rejectionOf(verifier.verify(withKid(token, `made-up-${n}`)));
        expect(error).toHaveProperty('code', 'ERR_VERIFY_KEY');
      }
    };
    await attack();
    expect(keyFetches()).toBe(1 + 5);
    vi.advanceTimersByTime(9_999);
    await attack();
    expect(keyFetches()).toBe(1 + 5);
    await server().rotateKey();
    await serviceToken();
    vi.advanceTimersByTime(1);
    await attack();
    expect(keyFetches()).toBe(1 + 6);
    await verifier.verify((await tokenOf()).token);
  });

  it('refuses tokens of a key that was withdrawn, at the latest ten minutes later', async () => {
    await start();
    vi.useFakeTimers({ toFake: ['Date', 'performance'] });
    const verifier = verifierOf();
    const { token } = await tokenOf();
    await verifier.verify(token);
    await server().rotateKey({ forgetOld: true });
    await serviceToken();
    vi.advanceTimersByTime(10 * 60_000 + 1);
    await verifier.verify(token); // begins the refresh
    await vi.waitFor(async () => {
      expect(await rejectionOf(verifier.verify(token))).toHaveProperty('code', 'ERR_VERIFY_KEY');
    });
  });

  it('goes on with the keys that it has while the API server is down, for an hour', async () => {
    await start();
    vi.useFakeTimers({ toFake: ['Date', 'performance'] });
    const verifier = verifierOf();
    const { token } = await tokenOf({ expirationSeconds: 7200 });
    await verifier.verify(token);
    await server().close();
    vi.advanceTimersByTime(59 * 60_000);
    await verifier.verify(token);
    vi.advanceTimersByTime(2 * 60_000);
    expect(await rejectionOf(verifier.verify(token))).toHaveProperty('code', 'ERR_VERIFY_UNAVAILABLE');
    await server().resume();
    await serviceToken();
    vi.advanceTimersByTime(5_001);
    await verifier.verify(token);
  });

  it('says that it cannot verify when the keys cannot be fetched, and leaves the server alone for 5 s', async () => {
    await start();
    vi.useFakeTimers({ toFake: ['Date', 'performance'] });
    server().outage = { status: 503 };
    const verifier = verifierOf();
    const { token } = await tokenOf();
    for (let n = 0; n < 10; n++) {
      expect(await rejectionOf(verifier.verify(token))).toHaveProperty('code', 'ERR_VERIFY_UNAVAILABLE');
    }
    expect(server().paths()).toHaveLength(1);
    server().outage = undefined;
    vi.advanceTimersByTime(5_001);
    await verifier.verify(token);
  });

  it('says which permission it lacks when it has no bearer, and which issuer it found instead', async () => {
    await start();
    const { token } = await tokenOf();
    const anonymous = await rejectionOf(verifierOf({ bearer: undefined }).verify(token));
    expect(anonymous).toHaveProperty('code', 'ERR_VERIFY_UNAVAILABLE');
    expect(anonymous.message).toContain('system:service-account-issuer-discovery');
    const other = verifierOf({ issuer: 'https://old-issuer.test' });
    const forged = await EmbeddedApiServer.start({ algorithm: 'ES256', issuer: 'https://old-issuer.test' });
    forged.addServiceAccount('shop', 'checkout');
    const foreign = await forged.createToken('shop', 'checkout', { audiences: ['billing'] });
    await forged.close();
    expect((await rejectionOf(other.verify(foreign.token))).message).toContain(
      `it names the issuer "${server().issuer}"`,
    );
  });

  it('replaces its own bearer once when it is refused', async () => {
    await start();
    const source = new SettableSource('refused');
    source.replacement = await serviceToken();
    await verifierOf({ bearer: source }).verify((await tokenOf()).token);
    expect(source.refused).toEqual(['refused']);
    expect(server().requests.map(({ status }) => status)).toEqual([401, 200, 200]);
  });

  it('does not trust a server whose certificate is not of the CA', async () => {
    await start();
    const error = await rejectionOf(verifierOf({ ca: undefined }).verify((await tokenOf()).token));
    expect(error).toMatchObject({ code: 'ERR_VERIFY_UNAVAILABLE', cause: { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' } });
  });

  it('gives up on a server that does not answer in time', async () => {
    const { createServer } = await import('node:net');
    const silent = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => silent.once('listening', resolve));
    await start();
    const { port } = silent.address() as import('node:net').AddressInfo;
    const verifier = verifierOf({ apiServer: `http://127.0.0.1:${port}`, timeoutMs: 50 });
    const error = await rejectionOf(verifier.verify((await tokenOf()).token));
    expect(error.code).toBe('ERR_VERIFY_UNAVAILABLE');
    expect(error.message).toMatch(/^Cannot reach http.*: no answer within 50 ms \(option "timeoutMs"\)\.$/);
    silent.close();
  });

  it('lets in only whom the lists name, and judges only genuine tokens by them', async () => {
    await start();
    const { token } = await tokenOf();
    const outcome = (options: Partial<TokenVerifierOptions>, of = token) =>
      verifierOf(options)
        .verify(of)
        .then(
          () => 'let in',
          (error) => error.code,
        );
    expect(await outcome({ namespaces: ['mail', 'shop'] })).toBe('let in');
    expect(await outcome({ namespaces: ['mail'] })).toBe('ERR_VERIFY_FORBIDDEN');
    expect(await outcome({ serviceAccounts: ['shop/checkout'] })).toBe('let in');
    expect(await outcome({ serviceAccounts: ['mail/checkout', 'shop/cart'] })).toBe('ERR_VERIFY_FORBIDDEN');
    expect(await outcome({ namespaces: ['mail'], serviceAccounts: ['shop/checkout'] })).toBe('ERR_VERIFY_FORBIDDEN');
    expect(await outcome({ namespaces: ['mail'] }, `${token.slice(0, -8)}AAAAAAAA`)).toBe('ERR_VERIFY_SIGNATURE');
  });
});
