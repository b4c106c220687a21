import { createTokenVerifier, type TokenVerifierOptions } from 'projected-token/verify';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { expectNoToken, rejectionOf } from '../helpers/federation.js';
import { ForgingIssuer } from '../helpers/forging-issuer.js';
import { ACCEPTED, reviewed, serveReviews } from '../helpers/review-server.js';
import { serveLoopback } from '../helpers/serve-loopback.js';

let issuer: ForgingIssuer;
beforeAll(async () => {
  issuer = await ForgingIssuer.start();
});
afterAll(() => issuer.close());
afterEach(() => {
  vi.useRealTimers();
});

const byReview = (apiServer: string, options: Partial<TokenVerifierOptions> = {}) =>
  createTokenVerifier({ issuer: issuer.url, audience: 'billing', method: 'token-review', apiServer, ...options });

const byKeys = (apiServer: string) => createTokenVerifier({ issuer: issuer.url, audience: 'billing', apiServer });

/** An API server whose discovery document and key set are these texts. */
const serveKeys = (discovery: string, keys: string) =>
  serveLoopback(({ url }) => ({ body: url.pathname.endsWith('jwks') ? keys : discovery }));

describe('A TokenReview of the wrong shape', () => {
  const good = {
    authenticated: true,
    audiences: ['billing'],
    user: { username: 'system:serviceaccount:shop:checkout' },
  };

  it.each<[string, unknown]>([
    ['audiences in a text', reviewed({ ...good, audiences: 'billing' })],
    ['audiences in an object', reviewed({ ...good, audiences: {} })],
    ['no audiences but null', reviewed({ ...good, audiences: null })],
    ['audiences that are no texts', reviewed({ ...good, audiences: [1] })],
    ['"yes" for authenticated', reviewed({ ...good, authenticated: 'yes' })],
    ['a user in a text', reviewed({ ...good, user: 'admin' })],
    ['a user name that is no text', reviewed({ ...good, user: { username: 1 } })],
    ['an error that is no text', reviewed({ user: {}, error: {} })],
    ['a status that says nothing', reviewed({})],
    ['a status that is null', reviewed(null)],
    ['a status in a text', reviewed('yes')],
    ['a status in a list', reviewed([true])],
    ['an empty object', { status: 201, body: '{}' }],
    ['null', { status: 201, body: 'null' }],
    ['a text', { status: 201, body: '"yes"' }],
    ['no JSON', { status: 201, body: '<html>' }],
  ])('says nothing about the token: %s', async (_what, answer) => {
    const server = await serveReviews(issuer, () => answer as typeof ACCEPTED);
    const error = await rejectionOf(byReview(server.origin).verify(issuer.sign()));
    expect(error.code).toBe('ERR_VERIFY_UNAVAILABLE');
    expect(error.message).toContain('is not a TokenReview');
  });

  it('is not kept: the next request asks again', async () => {
    const answers = [reviewed('yes'), ACCEPTED];
    const server = await serveReviews(issuer, () => answers.shift()!);
    const verifier = byReview(server.origin);
    const token = issuer.sign();
    expect(await rejectionOf(verifier.verify(token))).toHaveProperty('code', 'ERR_VERIFY_UNAVAILABLE');
    await verifier.verify(token);
  });
});

describe('A token that the API server does not accept', () => {
  it('says that the signature may be wrong, and all else that may be', async () => {
    const server = await serveReviews(
      issuer,
      () => reviewed({ user: {}, error: 'invalid bearer token\u001b[2K\u202e' }),
      'forbidden',
    );
    const token = issuer.sign().slice(0, -4).concat('AAAA');
    const error = await rejectionOf(byReview(server.origin).verify(token));
    expect(error.code).toBe('ERR_VERIFY_REVOKED');
    expect(error.message).toBe(
      'The API server rejects the token: "invalid bearer token\u{fffd}[2K\u{fffd}". The token may be of another cluster, changed ' +
        'or expired, or its pod or service account was deleted.',
    );
    expectNoToken(error, token);
  });
});

describe('Published keys', () => {
  const discovery = (replacing: object = {}) => JSON.stringify({ issuer: issuer.url, ...replacing });

  it('may have one id twice: both are tried', async () => {
    const other = await ForgingIssuer.start();
    const twin = { ...other.jwk, kid: issuer.kid };
    for (const keys of [
      [twin, issuer.jwk],
      [issuer.jwk, twin],
    ]) {
      const server = await serveKeys(discovery(), JSON.stringify({ keys }));
      const verifier = byKeys(server.origin);
      await verifier.verify(issuer.sign());
      await verifier.verify(other.sign(issuer.claims(), { alg: 'RS256', kid: issuer.kid }));
      const forged = issuer.sign().slice(0, -4).concat('AAAA');
      expect(await rejectionOf(verifier.verify(forged))).toHaveProperty('code', 'ERR_VERIFY_SIGNATURE');
    }
    await other.close();
  });

  it('may begin with a byte order mark', async () => {
    const server = await serveKeys(`\u{feff}${discovery()}`, `\u{feff}${JSON.stringify({ keys: [issuer.jwk] })}`);
    await byKeys(server.origin).verify(issuer.sign());
  });

  it('may have keys beside the right one that cannot be used', async () => {
    const keys = [{ kty: 'future', kid: 'x' }, { ...issuer.jwk, kid: 'broken', n: '!' }, {}, issuer.jwk];
    const server = await serveKeys(discovery(), JSON.stringify({ keys }));
    const verifier = byKeys(server.origin);
    await verifier.verify(issuer.sign());
    const broken = issuer.sign(issuer.claims(), { alg: 'RS256', kid: 'broken' });
    expect(await rejectionOf(verifier.verify(broken))).toHaveProperty('code', 'ERR_VERIFY_KEY');
  });

  it('are not used when they are too short', async () => {
    const { generateKeyPairSync } = await import('node:crypto');
    const short = generateKeyPairSync('rsa', { modulusLength: 1024 });
    const jwk = { ...short.publicKey.export({ format: 'jwk' }), kid: 'short', alg: 'RS256', use: 'sig' };
    const server = await serveKeys(discovery(), JSON.stringify({ keys: [jwk] }));
    const token = issuer.sign(issuer.claims(), { alg: 'RS256', kid: 'short' }, short.privateKey);
    expect(await rejectionOf(byKeys(server.origin).verify(token))).toHaveProperty('code', 'ERR_VERIFY_KEY');
  });

  it.each<[string, () => string, () => string]>([
    ['a discovery document of another issuer', () => discovery({ issuer: 'https://other.test' }), () => '{"keys":[]}'],
    ['a discovery document without an issuer', () => '{}', () => '{"keys":[]}'],
    ['a key set that is none', () => discovery(), () => '{"keys":"none"}'],
    ['a key set that is no JSON', () => discovery(), () => '<html>'],
  ])('are left alone for 5 s after %s', async (_what, document, keys) => {
    vi.useFakeTimers({ toFake: ['Date', 'performance'] });
    const server = await serveKeys(document(), keys());
    const verifier = byKeys(server.origin);
    const attempts = async () => {
      for (let n = 0; n < 20; n++) {
        expect(await rejectionOf(verifier.verify(issuer.sign()))).toHaveProperty('code', 'ERR_VERIFY_UNAVAILABLE');
      }
    };
    await attempts();
    const once = server.seen.length;
    vi.advanceTimersByTime(4_999);
    await attempts();
    expect(server.seen).toHaveLength(once);
    vi.advanceTimersByTime(1);
    await attempts();
    expect(server.seen).toHaveLength(2 * once);
  });

  it('are left alone for 5 s after a discovery document without an address of the keys', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'performance'] });
    const server = await serveLoopback(() => ({ body: JSON.stringify({ issuer: server.origin }) }));
    const verifier = createTokenVerifier({ issuer: server.origin, audience: 'billing' });
    const token = issuer.sign(issuer.claims({ iss: server.origin }));
    for (let n = 0; n < 20; n++) await rejectionOf(verifier.verify(token));
    expect(server.seen).toHaveLength(1);
  });
});

describe('What is no token at all', () => {
  it.each<[string, unknown]>([
    ['undefined', undefined],
    ['null', null],
    ['a number', 1],
    ['a list of tokens', ['a.b.c']],
    ['an object that is printed as one', { toString: () => 'a.b.c' }],
    ['a buffer', Buffer.from('a.b.c')],
    ['an empty text', ''],
    ['more than 64 KiB', `a.${'a'.repeat(64 * 1024)}.c`],
  ])('is malformed: %s', async (_what, value) => {
    const verifier = createTokenVerifier({ issuer: 'https://issuer.test', audience: 'billing' });
    expect(await rejectionOf(verifier.verify(value as string))).toMatchObject({
      name: 'TokenVerificationError',
      code: 'ERR_VERIFY_MALFORMED',
    });
  });
});
