import { BoundToken } from 'projected-token';
import { type MintOptions, TokenIssuer } from 'projected-token/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { checkFederatedToken, fingerprintOf } from '../../src/testing/federated-token.js';

let cluster: TokenIssuer;

beforeAll(async () => {
  cluster = await TokenIssuer.create({ algorithm: 'ES256' });
});

const check = (token: string, audiences = ['sts']) => checkFederatedToken(token, cluster, audiences);

describe('a cloud', () => {
  it.each<[string, MintOptions, string[]]>([
    ['the audience', { audience: 'sts' }, ['sts']],
    ['one of its audiences', { audience: ['vault', 'sts'] }, ['other', 'sts']],
    ['its audience as a string', { claims: { aud: 'sts' } }, ['sts']],
  ])('accepts a token with %s', async (_, options, audiences) => {
    const checked = await check(await cluster.mint(options), audiences);
    expect(checked.fault).toBeUndefined();
    expect(checked.claims.sub).toBe('system:serviceaccount:default:build-robot');
  });

  it.each<[string, MintOptions]>([
    ['audience', { audience: 'vault' }],
    ['audience', { claims: { aud: undefined } }],
    ['expired', { audience: 'sts', issuedAt: new Date(Date.now() - 3_601_000) }],
    ['expired', { audience: 'sts', claims: { exp: undefined } }],
    ['issuer', { audience: 'sts', claims: { iss: 'https://elsewhere' } }],
    // What is looked at first is told.
    ['issuer', { audience: 'vault', claims: { iss: 'https://elsewhere', exp: 0 } }],
    ['audience', { audience: 'vault', claims: { exp: 0 } }],
  ])('tells the fault %s of %j', async (fault, options) => {
    expect((await check(await cluster.mint(options))).fault).toBe(fault);
  });

  it('tells that the signature is of another cluster', async () => {
    const other = await TokenIssuer.create({ algorithm: 'ES256', newKey: true });
    expect((await check(await other.mint({ audience: 'sts' }))).fault).toBe('signature');
  });

  it('tells that a text is no token', async () => {
    expect(await check('not a token')).toEqual({ claims: {}, fault: 'malformed' });
  });

  it('goes by the keys that the cluster has at the moment', async () => {
    const token = await cluster.mint({ audience: 'sts' });
    const { jwks } = await TokenIssuer.create({ algorithm: 'ES256', newKey: true });
    const trust = { issuer: cluster.issuer, jwks };
    expect((await checkFederatedToken(token, trust, ['sts'])).fault).toBe('signature');
    trust.jwks = cluster.jwks;
    expect((await checkFederatedToken(token, trust, ['sts'])).fault).toBeUndefined();
  });

  it('names a token as the library does', async () => {
    const token = await cluster.mint();
    expect(fingerprintOf(token)).toBe(BoundToken.parse(token).fingerprint);
  });
});
