import { createPublicKey, type JsonWebKey } from 'node:crypto';
import { createVerifier } from 'fast-jwt';
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import { EmbeddedApiServer, type JsonWebKeySet, type TokenAlgorithm } from 'projected-token/testing';
import { createTokenVerifier } from 'projected-token/verify';
import { type Figure, type FigureGroup, median } from '../figure.js';

const TOKENS = 3_000;
const WARM_UP = 500;
const AUDIENCE = 'billing';

/** What a request costs the service that receives its token. */
export async function measure(): Promise<FigureGroup> {
  const figures = [...(await measureAlgorithm('RS256')), ...(await measureAlgorithm('ES256'))];
  return {
    title: 'Verifying a token',
    method:
      `Microseconds a token, median of ${TOKENS.toLocaleString('en')} tokens, one after the other and each given to all in turns, one process. ` +
      'All check signature, issuer, audience and time with a key set that they have already; only projected-token refuses ' +
      'duplicate claims and gives an identity. fast-jwt checks every signature on the event loop, projected-token a thousand a second of RSA up to 2048 bits, jose none.',
    figures,
  };
}

async function measureAlgorithm(algorithm: TokenAlgorithm): Promise<readonly Figure[]> {
  const server = await EmbeddedApiServer.start({ algorithm, anonymousDiscovery: true });
  server.addServiceAccount('shop', 'checkout');
  const { issuer, origin: apiServer } = server;
  const tokens = await Promise.all(
    Array.from({ length: WARM_UP + TOKENS }, async () => {
      return (await server.createToken('shop', 'checkout', { audiences: [AUDIENCE] })).token;
    }),
  );
  const jwks = (await (await fetch(`${apiServer}/openid/v1/jwks`)).json()) as JsonWebKeySet;

  const keys = createLocalJWKSet(jwks as unknown as JSONWebKeySet);
  const rules = { issuer, audience: AUDIENCE, algorithms: [algorithm], clockTolerance: 60 };
  const verifier = createTokenVerifier({ issuer, audience: AUDIENCE, apiServer, algorithms: [algorithm] });
  const key = createPublicKey({ key: jwks.keys[0] as JsonWebKey, format: 'jwk' }).export({
    type: 'spki',
    format: 'pem',
  });
  const ofFastJwt = {
    key: key.toString(),
    algorithms: [algorithm],
    allowedIss: issuer,
    allowedAud: AUDIENCE,
    clockTolerance: 60_000,
  };
  const fastJwt = createVerifier({ ...ofFastJwt, cache: false });
  const cachingFastJwt = createVerifier({ ...ofFastJwt, cache: 10_000 });

  // In turns, so that all see the same machine.
  const calls: Record<string, (token: string) => unknown> = {
    'jose: jwtVerify with a cached key set (floor)': (token) => jwtVerify(token, keys, rules),
    'fast-jwt: a new token': (token) => fastJwt(token),
    'projected-token: a new token': (token) => verifier.verify(token),
    'projected-token: verified before': (token) => verifier.verify(token),
    'fast-jwt: verified before, in its cache': (token) => cachingFastJwt(token),
  };
  const microseconds = new Map(Object.keys(calls).map((name) => [name, [] as number[]]));
  for (const [index, token] of tokens.entries()) {
    cachingFastJwt(token);
    for (const [name, call] of Object.entries(calls)) {
      const start = performance.now();
      await call(token);
      // The first ones fetch the keys and warm up.
      if (index >= WARM_UP) microseconds.get(name)!.push((performance.now() - start) * 1000);
    }
  }
  await server.close();

  const floor = median([...microseconds.values()][0]!);
  return [...microseconds].map(([name, times]) => {
    const value = median(times);
    const ratio = value / floor;
    const figure = { name: `${algorithm}, ${name}`, value, unit: 'µs', ratio };
    if (name.endsWith('projected-token: a new token')) {
      return { ...figure, aim: { text: '≤ 1.15 × jose', isMet: ratio <= 1.15 } };
    }
    if (name.endsWith('projected-token: verified before')) {
      return { ...figure, aim: { text: '≤ 1/20 of jose', isMet: ratio <= 1 / 20 } };
    }
    return figure;
  });
}
