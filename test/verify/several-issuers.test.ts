import {
  createTokenVerifier,
  type MultiIssuerTokenVerifierOptions,
  type TokenIssuerOptions,
} from 'projected-token/verify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rejectionOf } from '../helpers/federation.js';
import { ForgingIssuer } from '../helpers/forging-issuer.js';
import { verifierCluster } from '../helpers/verifier-cluster.js';

describe('Two clusters', () => {
  let east: ForgingIssuer;
  let west: ForgingIssuer;
  beforeAll(async () => {
    [east, west] = await Promise.all([ForgingIssuer.start(), ForgingIssuer.start()]);
  });
  afterAll(() => Promise.all([east.close(), west.close()]));

  const entryOf = ({ url, ca }: ForgingIssuer, options: Partial<TokenIssuerOptions> = {}): TokenIssuerOptions => ({
    issuer: url,
    ca,
    ...options,
  });
  const verifierOf = (...issuers: readonly TokenIssuerOptions[]) =>
    createTokenVerifier({ audience: 'billing', issuers });

  it('accepts the tokens of both, and says of which cluster each is', async () => {
    const verifier = verifierOf(entryOf(east), entryOf(west));
    expect(await verifier.verify(east.sign())).toMatchObject({ issuer: east.url, namespace: 'shop' });
    expect(await verifier.verify(west.sign())).toMatchObject({ issuer: west.url, namespace: 'shop' });
  });

  it('does not let the key of one prove a token of the other', async () => {
    const verifier = verifierOf(entryOf(east), entryOf(west));
    const [ofEast, ofWest] = [east.claims(), west.claims()];
    const signedByEast = east.sign(ofWest);
    const signedByEastWithKidOfWest = east.sign(ofWest, { alg: 'RS256', kid: west.kid });
    expect(await rejectionOf(verifier.verify(signedByEast))).toHaveProperty('code', 'ERR_VERIFY_KEY');
    expect(await rejectionOf(verifier.verify(signedByEastWithKidOfWest))).toHaveProperty(
      'code',
      'ERR_VERIFY_SIGNATURE',
    );
    expect(await rejectionOf(verifier.verify(west.sign(ofEast)))).toHaveProperty('code', 'ERR_VERIFY_KEY');
  });

  it('has allow-lists for each: the same name in the other cluster is somebody else', async () => {
    const verifier = verifierOf(
      entryOf(east, { serviceAccounts: ['shop/checkout'] }),
      entryOf(west, { serviceAccounts: ['shop/returns'] }),
    );
    await verifier.verify(east.sign());
    expect(await rejectionOf(verifier.verify(west.sign()))).toHaveProperty('code', 'ERR_VERIFY_FORBIDDEN');
  });

  it('refuses the token of a third, and names those that it trusts', async () => {
    const verifier = verifierOf(entryOf(east), entryOf(west));
    const error = await rejectionOf(verifier.verify(east.sign(east.claims({ iss: 'https://third.test' }))));
    expect(error.code).toBe('ERR_VERIFY_ISSUER');
    expect(error.message).toBe(
      `The issuer of the token is "https://third.test", not ${JSON.stringify(east.url)}, ${JSON.stringify(west.url)}.`,
    );
  });

  it('serves one while the other is down', async () => {
    const down = await ForgingIssuer.start();
    const token = down.sign();
    await down.close();
    const verifier = verifierOf(entryOf(down), entryOf(west));
    expect(await rejectionOf(verifier.verify(token))).toHaveProperty('code', 'ERR_VERIFY_UNAVAILABLE');
    await verifier.verify(west.sign());
  });
});

describe('Two clusters with API servers', () => {
  const [east, west] = [verifierCluster(), verifierCluster()];

  it('sends each its own bearer, and trusts each by its own CA', async () => {
    await Promise.all([east.start(), west.start()]);
    west.mayReview();
    const verifier = createTokenVerifier({
      audience: 'billing',
      issuers: [east.optionsOf(), west.optionsOf({ method: 'token-review' })],
    });
    await verifier.verify((await east.tokenOf()).token);
    await verifier.verify((await west.tokenOf({ bound: true })).token);
    expect(east.server().requests.map(({ status }) => status)).toEqual([200, 200]);
    expect(west.server().requests.map(({ status }) => status)).toEqual([200, 200, 201]);
    west.server().deletePod('shop', 'checkout-1');
    const fresh = await west.tokenOf();
    expect(await verifier.verify(fresh.token)).toHaveProperty('issuer', west.server().issuer);
  });
});

describe('One cluster that moves to another issuer', () => {
  let issuer: ForgingIssuer;
  beforeAll(async () => {
    issuer = await ForgingIssuer.start();
  });
  afterAll(() => issuer.close());

  it('accepts the tokens of both values with the keys of its API server', async () => {
    const verifier = createTokenVerifier({
      audience: 'billing',
      issuer: [issuer.url, 'https://old.test'],
      apiServer: issuer.url,
      ca: issuer.ca,
    });
    expect(await verifier.verify(issuer.sign())).toHaveProperty('issuer', issuer.url);
    const old = issuer.sign(issuer.claims({ iss: 'https://old.test' }));
    expect(await verifier.verify(old)).toHaveProperty('issuer', 'https://old.test');
    expect(issuer.keyFetches).toBe(1);
    const other = issuer.sign(issuer.claims({ iss: 'https://old.test/' }));
    expect(await rejectionOf(verifier.verify(other))).toHaveProperty('code', 'ERR_VERIFY_ISSUER');
  });

  it('takes each value as an issuer with keys of its own without an API server', async () => {
    const other = await ForgingIssuer.start();
    const verifier = createTokenVerifier({
      audience: 'billing',
      issuer: [issuer.url, other.url],
      ca: [issuer.ca, other.ca],
    });
    await verifier.verify(issuer.sign());
    await verifier.verify(other.sign());
    const crossed = other.sign(issuer.claims());
    expect(await rejectionOf(verifier.verify(crossed))).toHaveProperty('code', 'ERR_VERIFY_KEY');
    await other.close();
  });
});

describe('Options', () => {
  const entry: TokenIssuerOptions = { issuer: 'https://a.test' };

  it.each<[string, Partial<MultiIssuerTokenVerifierOptions & TokenIssuerOptions>, string]>([
    ['no issuer', { issuers: [] }, 'issuers'],
    ['an issuer twice', { issuers: [entry, { issuer: ['https://b.test', 'https://a.test'] }] }, 'issuers'],
    ['an allow-list for all', { issuers: [entry], namespaces: ['shop'] }, 'namespaces'],
    ['a bearer for all', { issuers: [entry], bearer: () => 'token' }, 'bearer'],
    ['one issuer besides several', { issuers: [entry], issuer: 'https://b.test' }, 'issuer'],
    ['an entry without an issuer', { issuers: [{} as TokenIssuerOptions] }, 'issuer'],
    ['an empty list of values', { issuer: [] }, 'issuer'],
    ['one bearer for two servers', { issuer: ['https://a.test', 'https://b.test'], bearer: () => 'token' }, 'bearer'],
    ['a fallback without reviews', { issuer: 'https://a.test', fallbackMethod: 'key-set' }, 'fallbackMethod'],
  ])('refuses %s', (_what, options, option) => {
    expect(() => createTokenVerifier({ audience: 'billing', ...options } as never)).toThrow(
      expect.objectContaining({ code: 'ERR_TOKEN_OPTION', option }),
    );
  });
});
