import { EmbeddedApiServer } from 'projected-token/testing';
import { createTokenVerifier, type TokenIssuerOptions, type TokenVerifierOptions } from 'projected-token/verify';
import { afterEach } from 'vitest';

/** An API server over TLS with the service account `shop/checkout`, its pod, and a service account for the verifier. */
export function verifierCluster() {
  let current: EmbeddedApiServer & { podUid: string; paths(): string[] };
  let bearer: string;
  afterEach(() => current?.close());

  const serviceToken = async () => {
    bearer = (await current.createToken('billing', 'verifier')).token;
    return bearer;
  };
  const optionsOf = (options: Partial<TokenIssuerOptions> = {}): TokenIssuerOptions => ({
    issuer: current.issuer,
    apiServer: current.origin,
    ...(current.ca !== undefined && { ca: current.ca }),
    bearer: () => bearer,
    ...options,
  });
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
    /** What a verifier of this cluster has to know of it. */
    optionsOf,
    verifierOf: (options: Partial<TokenVerifierOptions> = {}) =>
      createTokenVerifier({ audience: 'billing', ...optionsOf(), ...options }),
  };
}
