import { decodeProtectedHeader } from 'jose';
import { createTokenVerifier, type TokenVerifier, type TokenVerifierOptions } from 'projected-token/verify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, startCluster } from '../harness/cluster.js';
import { reviewCachesEmpty } from '../harness/review-caches.js';

let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster({ nodes: 0 });
  await cluster.addNamespace('shop');
  for (const name of ['billing', 'checkout']) await cluster.addServiceAccount('shop', name);
  await cluster.bindClusterRole('system:auth-delegator', 'shop', 'billing');
});
afterAll(() => cluster?.[Symbol.asyncDispose]());

const bearer = () => cluster.createToken('shop', 'billing', { expirationSeconds: 600 });
const senderToken = (spec = {}) => cluster.createToken('shop', 'checkout', { audiences: ['billing'], ...spec });
const verifierOf = (options: Partial<TokenVerifierOptions> = {}) =>
  createTokenVerifier({ issuer: cluster.origin, audience: 'billing', ca: cluster.ca, ...options });
const CHECKOUT = { namespace: 'shop', serviceAccount: { name: 'checkout' } };

async function addPod(name: string): Promise<void> {
  const spec = { serviceAccountName: 'checkout', containers: [{ name: 'main', image: 'none' }] };
  await cluster.admin.ask('POST', '/api/v1/namespaces/shop/pods', { metadata: { name }, spec });
}

describe('The keys of a cluster', () => {
  it('are refused to anonymous verifiers, which says so', async () => {
    await expect(verifierOf().verify(await senderToken())).rejects.toMatchObject({
      code: 'ERR_VERIFY_UNAVAILABLE',
      message: expect.stringContaining('403'),
    });
  });

  it('are shown to a verifier with a token of its own', async () => {
    expect(await verifierOf({ bearer }).verify(await senderToken())).toMatchObject(CHECKOUT);
    const apiServer = cluster.origin;
    expect(await verifierOf({ bearer, apiServer }).verify(await senderToken())).toMatchObject(CHECKOUT);
  });

  it('are shown to everybody once system:service-account-issuer-discovery is bound to system:unauthenticated', async () => {
    await cluster.bindClusterRoleToUser('system:service-account-issuer-discovery', 'system:anonymous');
    expect(await verifierOf().verify(await senderToken())).toMatchObject(CHECKOUT);
  });
});

describe('A pod that is deleted', () => {
  it.each(['token-review', 'key-set'] as const)('is noticed by %s as the documentation says', async (method) => {
    const name = `pod-of-${method}`;
    await addPod(name);
    const token = await senderToken({ boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name } });
    const verifier = verifierOf({ method, bearer, apiServer: cluster.origin });
    expect(await verifier.verify(token)).toMatchObject({ ...CHECKOUT, pod: { name } });
    await cluster.admin.ask('DELETE', `/api/v1/namespaces/shop/pods/${name}`, { gracePeriodSeconds: 0 });
    // The verifier's own 10 s, and those of the API server, which begin with its last review.
    await reviewCachesEmpty();
    if (method === 'key-set') expect(await verifier.verify(token)).toMatchObject(CHECKOUT);
    else await expect(verifier.verify(token)).rejects.toMatchObject({ code: 'ERR_VERIFY_REVOKED' });
  });
});

describe('An API server that is started anew', () => {
  it('signs with a new key, of another algorithm: tokens of both are good, at once', async () => {
    const verifier = verifierOf({ bearer, apiServer: cluster.origin });
    const old = await senderToken();
    await verifier.verify(old);
    await cluster.apiServer.addKey('EC');
    await cluster.apiServer.restart();
    const fresh = await senderToken();
    expect([decodeProtectedHeader(old).alg, decodeProtectedHeader(fresh).alg]).toEqual(['RS256', 'ES256']);
    expect(await verifier.verify(fresh)).toMatchObject(CHECKOUT);
    expect(await verifier.verify(old)).toMatchObject(CHECKOUT);
  });

  it('has a new issuer beside the old one: tokens of both are good for a verifier that lists both', async () => {
    const [before] = cluster.apiServer.issuers;
    const after = 'https://oidc.new.example';
    const verifiers = (['key-set', 'token-review'] as const).map((method) =>
      verifierOf({ method, issuer: [before!, after], bearer, apiServer: cluster.origin }),
    );
    const old = await senderToken();
    cluster.apiServer.issuers = [after, before!];
    await cluster.apiServer.restart();
    const fresh = await senderToken();
    for (const verifier of verifiers) {
      expect(await verifier.verify(old)).toMatchObject({ ...CHECKOUT, issuer: before });
      expect(await verifier.verify(fresh)).toMatchObject({ ...CHECKOUT, issuer: after });
    }
    const onlyOld = verifierOf({ issuer: before!, bearer, apiServer: cluster.origin });
    await expect(onlyOld.verify(fresh)).rejects.toMatchObject({ code: 'ERR_VERIFY_ISSUER' });
  });
});

describe('Two clusters', () => {
  it('are trusted by one verifier, each by its own keys and reviews, and one goes on while the other is down', async () => {
    await using other = await startCluster({ nodes: 0 });
    await other.addNamespace('shop');
    for (const name of ['billing', 'checkout']) await other.addServiceAccount('shop', name);
    await other.bindClusterRole('system:auth-delegator', 'shop', 'billing');
    const trust = (cluster: Cluster, method: 'key-set' | 'token-review') => ({
      method,
      issuer: cluster.apiServer.issuers[0]!,
      apiServer: cluster.origin,
      ca: cluster.ca,
      bearer: () => cluster.createToken('shop', 'billing', { expirationSeconds: 600 }),
    });
    const verifierBy = (method: 'key-set' | 'token-review') =>
      createTokenVerifier({ issuers: [trust(cluster, method), trust(other, method)], audience: 'billing' });
    const issuers = [cluster, other].map(({ apiServer }) => apiServer.issuers[0]!);
    const tokenOf = (cluster: Cluster) => cluster.createToken('shop', 'checkout', { audiences: ['billing'] });
    const outcome = (verifier: TokenVerifier, token: string) =>
      verifier.verify(token).then(
        ({ issuer }) => issuer,
        (error) => error.code,
      );
    const [here, there] = [await tokenOf(cluster), await tokenOf(other)];
    // The claims of one cluster under a signature of the other: the key that it names is none of the issuer's.
    const forged = await other.apiServer.signAgain(there, { iss: issuers[0] });
    for (const method of ['key-set', 'token-review'] as const) {
      const verifier = verifierBy(method);
      const outcomes = await Promise.all([here, there, forged].map((token) => outcome(verifier, token)));
      expect(outcomes.slice(0, 2)).toEqual(issuers);
      expect(outcomes[2]).toBe('ERR_VERIFY_KEY');
    }
    const both = verifierBy('token-review');
    expect(await outcome(both, here)).toBe(issuers[0]);
    await cluster.apiServer.stop();
    expect(await outcome(both, await tokenOf(other))).toBe(issuers[1]);
    await cluster.apiServer.start();
    expect(await outcome(both, await tokenOf(cluster))).toBe(issuers[0]);
  });
});
