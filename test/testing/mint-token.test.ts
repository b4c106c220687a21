import { createHash, createPublicKey } from 'node:crypto';
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose';
import { BoundToken } from 'projected-token';
import { type JsonWebKeySet, type MintOptions, mintedTokenKeys, mintToken, TokenIssuer } from 'projected-token/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

const ALGORITHMS = ['RS256', 'ES256'] as const;
const UUID = /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/;
const NOW = new Date('2026-03-01T12:00:00.900Z');
const IAT = Date.parse('2026-03-01T12:00:00Z') / 1000;

const verify = (token: string, keys: JsonWebKeySet) =>
  jwtVerify(token, createLocalJWKSet(keys as unknown as JSONWebKeySet), { currentDate: NOW });

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: NOW }));
afterEach(() => void vi.useRealTimers());

describe.each(ALGORITHMS)('a token signed with %s', (algorithm) => {
  it('is verified by the exported key set', async () => {
    const token = await mintToken({ algorithm });
    const { payload, protectedHeader } = await verify(token, await mintedTokenKeys());
    expect(payload.sub).toBe('system:serviceaccount:default:build-robot');
    expect(protectedHeader).toEqual({ alg: algorithm, kid: expect.stringMatching(/^[\w-]{43}$/) });
  });

  it('is not verified once a claim was changed', async () => {
    const [header, , signature] = (await mintToken({ algorithm })).split('.');
    const payload = Buffer.from(JSON.stringify({ ...decodeJwt(await mintToken()), aud: ['bank'] })).toString(
      'base64url',
    );
    await expect(verify(`${header}.${payload}.${signature}`, await mintedTokenKeys())).rejects.toMatchObject({
      code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED',
    });
  });

  it('names its key by the hash of the public key, as an API server does', async () => {
    const { jwks, kid } = await TokenIssuer.create({ algorithm });
    const [jwk] = jwks.keys;
    const der = createPublicKey({ key: { ...jwk }, format: 'jwk' }).export({ type: 'spki', format: 'der' });
    expect(kid).toBe(createHash('sha256').update(der).digest('base64url'));
    expect(jwk).toMatchObject({ kid, alg: algorithm, use: 'sig', kty: algorithm === 'RS256' ? 'RSA' : 'EC' });
    expect(jwk).not.toHaveProperty('d');
  });
});

it('the key set holds one key of each algorithm, and the same at every call', async () => {
  const keys = await mintedTokenKeys();
  expect(keys.keys.map(({ alg }) => alg).sort()).toEqual(['ES256', 'RS256']);
  expect(await mintedTokenKeys()).toEqual(keys);
});

describe('the claims', () => {
  const claimsOf = async (options?: MintOptions) => decodeJwt(await mintToken(options));

  it('are those of a bound service account token, and no others', async () => {
    expect(await claimsOf()).toEqual({
      aud: ['vault'],
      exp: IAT + 3600,
      iat: IAT,
      iss: 'https://kubernetes.default.svc',
      jti: expect.stringMatching(UUID),
      'kubernetes.io': {
        namespace: 'default',
        serviceaccount: { name: 'build-robot', uid: expect.stringMatching(UUID) },
      },
      nbf: IAT,
      sub: 'system:serviceaccount:default:build-robot',
    });
  });

  it('say which pod and node a token is bound to', async () => {
    const claims = await claimsOf({ namespace: 'shop', serviceAccount: 'web', pod: 'web-7d4b', node: 'worker-1' });
    expect(claims).toMatchObject({
      sub: 'system:serviceaccount:shop:web',
      'kubernetes.io': {
        namespace: 'shop',
        serviceaccount: { name: 'web' },
        pod: { name: 'web-7d4b', uid: expect.stringMatching(UUID) },
        node: { name: 'worker-1', uid: expect.stringMatching(UUID) },
      },
    });
  });

  it.each<[string, MintOptions, Record<string, unknown>]>([
    ['one audience', { audience: 'bao' }, { aud: ['bao'] }],
    ['several audiences', { audience: ['a', 'b'] }, { aud: ['a', 'b'] }],
    ['a lifetime', { expiresInSeconds: 600 }, { exp: IAT + 600 }],
    ['a time of issue', { issuedAt: new Date('2026-01-01T00:00:00.5Z') }, { iat: 1_767_225_600, exp: 1_767_229_200 }],
    ['claims of any kind', { claims: { aud: 'vault', more: [1] } }, { aud: 'vault', more: [1] }],
  ])('follow %s', async (_, options, expected) => {
    expect(await claimsOf(options)).toMatchObject(expected);
  });

  it('can be left out', async () => {
    const claims = await claimsOf({ claims: { exp: undefined, 'kubernetes.io': undefined } });
    expect(Object.keys(claims).sort()).toEqual(['aud', 'iat', 'iss', 'jti', 'nbf', 'sub']);
  });

  it('name an object by the same UID in all tokens, and another by another', async () => {
    const uidOf = async (options: MintOptions) => BoundToken.parse(await mintToken(options)).serviceAccount?.uid;
    const uid = await uidOf({ serviceAccount: 'web' });
    expect(await uidOf({ serviceAccount: 'web', pod: 'web-1' })).toBe(uid);
    expect(await uidOf({ serviceAccount: 'api' })).not.toBe(uid);
    expect(await uidOf({ serviceAccount: 'web', namespace: 'shop' })).not.toBe(uid);
  });

  it('differ from token to token', async () => {
    expect((await claimsOf()).jti).not.toBe((await claimsOf()).jti);
  });
});

describe('an extended token', () => {
  it.each([
    [{}, 3607],
    [{ expiresInSeconds: 600 }, 600],
  ])('(%j) expires in a year, and warns after %i s', async (options, warnAfter) => {
    const claims = decodeJwt(await mintToken({ extended: true, ...options }));
    expect(claims.exp).toBe(IAT + 365 * 86_400);
    expect(claims['kubernetes.io']).toMatchObject({ warnafter: IAT + warnAfter });
  });
});

describe('a legacy token of a Secret', () => {
  it('has flat claims, no audience and no times', async () => {
    const issuer = await TokenIssuer.create();
    const token = await issuer.mintLegacy({ namespace: 'shop', serviceAccount: 'web' });
    const { payload } = await verify(token, issuer.jwks);
    expect(payload).toEqual({
      iss: 'kubernetes/serviceaccount',
      'kubernetes.io/serviceaccount/namespace': 'shop',
      'kubernetes.io/serviceaccount/secret.name': expect.stringMatching(/^web-token-[a-z0-9]{5}$/),
      'kubernetes.io/serviceaccount/service-account.name': 'web',
      'kubernetes.io/serviceaccount/service-account.uid': expect.stringMatching(UUID),
      sub: 'system:serviceaccount:shop:web',
    });
  });

  it('is of the default service account unless another is asked for', async () => {
    const token = await (await TokenIssuer.create()).mintLegacy();
    expect(decodeJwt(token).sub).toBe('system:serviceaccount:default:build-robot');
  });
});

describe('an issuer', () => {
  it('signs with RS256 for the default cluster', async () => {
    const issuer = await TokenIssuer.create();
    const token = await issuer.mint();
    expect(issuer).toMatchObject({ issuer: 'https://kubernetes.default.svc', algorithm: 'RS256' });
    expect(decodeProtectedHeader(token)).toEqual({ alg: 'RS256', kid: issuer.kid });
  });

  it('may be another cluster', async () => {
    const issuer = await TokenIssuer.create({ issuer: 'https://oidc.example/cluster', algorithm: 'ES256' });
    expect(decodeJwt(await issuer.mint()).iss).toBe('https://oidc.example/cluster');
  });

  it.each(ALGORITHMS)('shares the one %s key of the process, or has a key of its own', async (algorithm) => {
    const [first, second, own] = await Promise.all([
      TokenIssuer.create({ algorithm }),
      TokenIssuer.create({ algorithm }),
      TokenIssuer.create({ algorithm, newKey: true }),
    ]);
    expect(second.kid).toBe(first.kid);
    expect(own.kid).not.toBe(first.kid);
    await expect(verify(await own.mint(), first.jwks)).rejects.toMatchObject({ code: 'ERR_JWKS_NO_MATCHING_KEY' });
    expect((await TokenIssuer.create({ algorithm })).kid).toBe(first.kid);
  });

  it('signs any claims as they are', async () => {
    const issuer = await TokenIssuer.create({ algorithm: 'ES256' });
    expect(decodeJwt(await issuer.sign({ anything: true }))).toEqual({ anything: true });
  });
});
