import { InvalidOptionError, ProjectedTokenError } from 'projected-token';
import { EmbeddedApiServer } from 'projected-token/testing';
import { createTokenVerifier, TokenVerificationError, type TokenVerifierOptions } from 'projected-token/verify';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { expectNoToken, rejectionOf, SettableSource } from '../helpers/federation.js';
import { FORGED_TOKENS } from '../helpers/forged-tokens.js';
import { ForgingIssuer } from '../helpers/forging-issuer.js';

afterEach(() => {
  vi.useRealTimers();
});

describe('Forged tokens', () => {
  let issuer: ForgingIssuer;
  beforeAll(async () => {
    issuer = await ForgingIssuer.start();
  });
  afterAll(() => issuer.close());

  const verifierOf = (options: Partial<TokenVerifierOptions> = {}) =>
    createTokenVerifier({ issuer: issuer.url, audience: 'billing', ca: issuer.ca, ...options });

  it('the issuer can make a token that is accepted', async () => {
    expect(await verifierOf().verify(issuer.sign())).toMatchObject({ namespace: 'shop', audiences: ['billing'] });
  });

  it.each(FORGED_TOKENS)('%s is refused', async (_name, forge, code) => {
    const token = forge(issuer);
    const error = await rejectionOf(verifierOf().verify(token));
    expect(error).toBeInstanceOf(TokenVerificationError);
    expect(error).toBeInstanceOf(ProjectedTokenError);
    expect(error.code).toBe(code);
    if (/^[^.]{20,}\.[^.]{20,}\.[^.]{20,}$/.test(token)) expectNoToken(error, token);
  });

  it('are refused before anybody is asked, whatever else may be wrong with them', async () => {
    const before = issuer.keyFetches;
    const verifier = verifierOf();
    for (const claims of [{ exp: 1 }, { iss: 'https://attacker.test' }, { aud: 'mail' }]) {
      await rejectionOf(verifier.verify(issuer.sign(issuer.claims(claims), { alg: 'RS256', kid: 'unknown' })));
    }
    expect(issuer.keyFetches).toBe(before);
  });

  it('tolerates a difference of the clocks of 60 s and no more, unless told otherwise', async () => {
    const now = Math.floor(Date.now() / 1000);
    vi.useFakeTimers({ toFake: ['Date'], now: now * 1000 });
    const verifier = verifierOf();
    await verifier.verify(issuer.sign(issuer.claims({ nbf: now + 60, iat: now + 60 })));
    const expiring = issuer.sign(issuer.claims({ exp: now + 600 }));
    vi.setSystemTime((now + 659) * 1000);
    await verifier.verify(expiring);
    const strict = verifierOf({ clockToleranceSeconds: 0 });
    expect(await rejectionOf(strict.verify(expiring))).toHaveProperty('code', 'ERR_VERIFY_EXPIRED');
    vi.setSystemTime((now + 660) * 1000);
    expect(await rejectionOf(verifier.verify(expiring))).toHaveProperty('code', 'ERR_VERIFY_EXPIRED');
  });

  it('accepts one of several audiences, and a single one in text', async () => {
    const verifier = verifierOf({ audience: ['billing', 'mail'] });
    const token = issuer.sign(issuer.claims({ aud: ['other', 'mail'] }));
    expect(await verifier.verify(token)).toHaveProperty('audiences', ['mail']);
    expect(await verifier.verify(issuer.sign(issuer.claims({ aud: 'billing' })))).toHaveProperty('audiences', [
      'billing',
    ]);
  });
});

describe('By published keys', () => {
  const { start, server, serviceToken, tokenOf, verifierOf } = cluster();

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

  it('follows a rotation of the keys: one unknown kid, one fetch', async () => {
    await start();
    vi.useFakeTimers({ toFake: ['Date'] });
    const verifier = verifierOf();
    const old = await tokenOf();
    await verifier.verify(old.token);
    await server().rotateKey();
    vi.advanceTimersByTime(31_000);
    const fresh = await Promise.all([tokenOf(), tokenOf(), tokenOf()]);
    await Promise.all(fresh.map(({ token }) => verifier.verify(token)));
    await verifier.verify(old.token);
    expect(
      server()
        .paths()
        .filter((path) => path === '/openid/v1/jwks'),
    ).toHaveLength(2);
  });

  it('does not let unknown kids make it fetch more than once in 30 s', async () => {
    await start();
    vi.useFakeTimers({ toFake: ['Date'] });
    const verifier = verifierOf();
    const { token } = await tokenOf();
    await verifier.verify(token);
    const stranger = await EmbeddedApiServer.start({ algorithm: 'ES256', issuer: server().issuer });
    stranger.addServiceAccount('shop', 'checkout');
    const forged = await stranger.createToken('shop', 'checkout', { audiences: ['billing'] });
    await stranger.close();
    const attack = async () => {
      for (let n = 0; n < 20; n++) {
        expect(await rejectionOf(verifier.verify(forged.token))).toHaveProperty('code', 'ERR_VERIFY_KEY');
      }
    };
    await attack();
    const fetches = () =>
      server()
        .paths()
        .filter((path) => path === '/openid/v1/jwks').length;
    expect(fetches()).toBe(1);
    vi.advanceTimersByTime(31_000);
    await attack();
    expect(fetches()).toBe(2);
  });

  it('refuses tokens of a key that was withdrawn, at the latest ten minutes later', async () => {
    await start();
    vi.useFakeTimers({ toFake: ['Date'] });
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
    vi.useFakeTimers({ toFake: ['Date'] });
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
    vi.useFakeTimers({ toFake: ['Date'] });
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
      `it is of the issuer "${server().issuer}"`,
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
    expect(error).toMatchObject({
      code: 'ERR_VERIFY_UNAVAILABLE',
      message: expect.stringMatching(/^Cannot reach http.*: no answer within 50 ms \(option "timeoutMs"\)\.$/),
    });
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

describe('By TokenReview', () => {
  const { start, server, tokenOf, verifierOf: verifier, mayReview } = cluster();
  const verifierOf = (options: Partial<TokenVerifierOptions> = {}) => verifier({ method: 'token-review', ...options });

  it('asks the API server, once in 10 s for a token', async () => {
    await start();
    mayReview();
    vi.useFakeTimers({ toFake: ['Date'] });
    const verifier = verifierOf();
    const { token } = await tokenOf({ bound: true });
    const [identity] = await Promise.all([verifier.verify(token), verifier.verify(token), verifier.verify(token)]);
    expect(identity).toMatchObject({ namespace: 'shop', pod: { name: 'checkout-1' }, audiences: ['billing'] });
    vi.advanceTimersByTime(9_999);
    await verifier.verify(token);
    expect(server().paths()).toEqual(['/apis/authentication.k8s.io/v1/tokenreviews']);
    vi.advanceTimersByTime(1);
    await verifier.verify(token);
    expect(server().paths()).toHaveLength(2);
  });

  it('notices within 10 s that the pod is gone', async () => {
    await start();
    mayReview();
    vi.useFakeTimers({ toFake: ['Date'] });
    const verifier = verifierOf();
    const { token } = await tokenOf({ bound: true });
    await verifier.verify(token);
    server().deletePod('shop', 'checkout-1');
    vi.advanceTimersByTime(10_000);
    const error = await rejectionOf(verifier.verify(token));
    expect(error).toHaveProperty('code', 'ERR_VERIFY_REVOKED');
    expect(error.message).toContain('service account token has been invalidated');
    expectNoToken(error, token);
    await rejectionOf(verifier.verify(token));
    expect(server().paths(), 'a refusal is not kept').toHaveLength(3);
  });

  it('does not let in what the local rules forbid, whatever the API server says', async () => {
    await start();
    mayReview();
    const { token } = await tokenOf({ audiences: ['mail'] });
    expect(await rejectionOf(verifierOf().verify(token))).toHaveProperty('code', 'ERR_VERIFY_AUDIENCE');
    expect(server().paths()).toEqual([]);
    const listed = verifierOf({ namespaces: ['mail'] });
    expect(await rejectionOf(listed.verify((await tokenOf()).token))).toHaveProperty('code', 'ERR_VERIFY_FORBIDDEN');
  });

  it('finds a changed token out by the API server', async () => {
    await start();
    mayReview();
    const { token } = await tokenOf();
    const changed = `${token.slice(0, -8)}AAAAAAAA`;
    expect(await rejectionOf(verifierOf().verify(changed))).toHaveProperty('code', 'ERR_VERIFY_REVOKED');
  });

  it('says what its own service account lacks', async () => {
    await start();
    const error = await rejectionOf(verifierOf().verify((await tokenOf()).token));
    expect(error).toHaveProperty('code', 'ERR_VERIFY_UNAVAILABLE');
    expect(error.message).toContain('system:auth-delegator');
  });

  it('lets nobody in while the API server is down, beyond what it was told in the last 10 s', async () => {
    await start();
    mayReview();
    vi.useFakeTimers({ toFake: ['Date'] });
    const verifier = verifierOf();
    const { token } = await tokenOf();
    await verifier.verify(token);
    await server().close();
    await verifier.verify(token);
    vi.advanceTimersByTime(10_000);
    const error = await rejectionOf(verifier.verify(token));
    expect(error).toMatchObject({ code: 'ERR_VERIFY_UNAVAILABLE', cause: { code: 'ECONNREFUSED' } });
    expectNoToken(error, token);
    await server().resume();
    await verifier.verify(token);
  });

  it.each([
    [
      'no audiences',
      { authenticated: true, user: { username: 'system:serviceaccount:shop:checkout' } },
      'ERR_VERIFY_AUDIENCE',
    ],
    ['another user', { authenticated: true, audiences: ['billing'], user: { username: 'admin' } }, 'ERR_VERIFY_CLAIM'],
    ['nothing', {}, 'ERR_VERIFY_REVOKED'],
  ])('does not accept an answer with %s', async (_what, status, code) => {
    await start();
    const { LoopbackServer } = await import('../../src/testing/loopback-server.js');
    const old = await LoopbackServer.start(async () => ({ status: 201, body: JSON.stringify({ status }) }));
    const verifier = verifierOf({ apiServer: old.origin });
    expect(await rejectionOf(verifier.verify((await tokenOf()).token))).toHaveProperty('code', code);
    await old.close();
  });
});

describe('Options', () => {
  const good: TokenVerifierOptions = { issuer: 'https://issuer.test', audience: 'billing' };

  it.each<[string, Partial<TokenVerifierOptions>, string]>([
    ['no audience', { audience: [] }, 'audience'],
    ['an empty audience', { audience: '' }, 'audience'],
    ['an undefined audience', { audience: undefined as never }, 'audience'],
    ['an empty issuer', { issuer: '' }, 'issuer'],
    ['an issuer that is no URL, and no API server', { issuer: 'kubernetes/serviceaccount' }, 'issuer'],
    ['an issuer in clear text', { issuer: 'http://issuer.test' }, 'issuer'],
    ['an API server in clear text', { apiServer: 'http://kubernetes.default.svc' }, 'apiServer'],
    ['a review without an API server', { method: 'token-review' }, 'apiServer'],
    ['an unknown method', { method: 'trust' as never }, 'method'],
    ['HMAC', { algorithms: ['RS256', 'HS256'] }, 'algorithms'],
    ['alg none', { algorithms: ['none'] }, 'algorithms'],
    ['an empty list of namespaces', { namespaces: [] }, 'namespaces'],
    ['a service account without a namespace', { serviceAccounts: ['checkout'] }, 'serviceAccounts'],
    ['a negative tolerance', { clockToleranceSeconds: -1 }, 'clockToleranceSeconds'],
    ['no time at all', { timeoutMs: 0 }, 'timeoutMs'],
  ])('refuses %s', (_what, options, option) => {
    const create = () => createTokenVerifier({ ...good, ...options });
    expect(create).toThrow(InvalidOptionError);
    expect(create).toThrow(expect.objectContaining({ code: 'ERR_TOKEN_OPTION', option }));
  });

  it('takes an issuer that is no URL when the API server is given', () => {
    createTokenVerifier({ ...good, issuer: 'cluster.local', apiServer: 'https://kubernetes.default.svc' });
  });
});

/** An API server over TLS with the service account `shop/checkout`, its pod, and a service account for the verifier. */
function cluster() {
  let current: EmbeddedApiServer & { podUid: string; paths(): string[] };
  let bearer: string;
  afterEach(() => current?.close());

  const serviceToken = async () => {
    bearer = (await current.createToken('billing', 'verifier')).token;
    return bearer;
  };
  return {
    server: () => current,
    serviceToken,
    async start() {
      const started = await EmbeddedApiServer.start({ tls: true, algorithm: 'ES256' });
      started.addServiceAccount('shop', 'checkout');
      started.addServiceAccount('billing', 'verifier');
      const pod = started.addPod({
        namespace: 'shop',
        name: 'checkout-1',
        serviceAccount: 'checkout',
        node: 'worker-1',
      });
      current = Object.assign(started, {
        podUid: pod.uid,
        paths: () => started.requests.map(({ path }) => path),
      });
      await serviceToken();
    },
    mayReview: () => current.allow('system:serviceaccount:billing:verifier', 'create', 'tokenreviews'),
    tokenOf({ audiences = ['billing'], expirationSeconds = 3600, bound = false } = {}) {
      return current.createToken('shop', 'checkout', {
        audiences,
        expirationSeconds,
        ...(bound && { boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'checkout-1' } }),
      });
    },
    verifierOf(options: Partial<TokenVerifierOptions> = {}) {
      return createTokenVerifier({
        issuer: current.issuer,
        audience: 'billing',
        apiServer: current.origin,
        ca: current.ca,
        bearer: () => bearer,
        ...options,
      });
    },
  };
}
