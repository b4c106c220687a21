import { type AddressInfo, createServer } from 'node:net';
import { createTokenVerifier, type TokenVerifierOptions } from 'projected-token/verify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LoopbackResponse } from '../../src/testing/loopback-server.js';
import { expectNoToken, rejectionOf } from '../helpers/federation.js';
import { ForgingIssuer } from '../helpers/forging-issuer.js';
import { serveLoopback } from '../helpers/serve-loopback.js';

let issuer: ForgingIssuer;
beforeEach(async () => {
  issuer = await ForgingIssuer.start();
});
afterEach(async () => {
  await issuer.close();
});

function discovery(of: string, jwksUri: unknown): { body: string } {
  return { body: JSON.stringify({ issuer: of, jwks_uri: jwksUri }) };
}

/** A token of an issuer that is not the forging one's own address. */
function tokenOf(iss: string): string {
  return issuer.sign(issuer.claims({ iss }));
}

function verifierOf(options: Pick<TokenVerifierOptions, 'issuer'> & Partial<TokenVerifierOptions>) {
  return createTokenVerifier({ audience: 'billing', ca: issuer.ca, ...options });
}

describe('Discovery', () => {
  it('does not send the bearer to the address of the keys when that is elsewhere', async () => {
    const server = await serveLoopback(() => discovery(server.origin, `${issuer.url}/keys`));
    await verifierOf({ issuer: server.origin, bearer: () => 'own-token' }).verify(tokenOf(server.origin));
    expect(server.seen[0]?.headers.authorization).toBe('Bearer own-token');
    expect(issuer.keyFetches).toBe(1);
    expect(issuer.authorizations).toEqual([undefined]);
  });

  it('asks an API server for the keys itself, wherever its document says they are', async () => {
    const outside = await serveLoopback(() => ({ status: 500 }));
    const server = await serveLoopback(({ url }) =>
      url.pathname === '/.well-known/openid-configuration'
        ? discovery('https://issuer.test', `${outside.origin}/openid/v1/jwks`)
        : { body: JSON.stringify({ keys: [issuer.jwk] }) },
    );
    const verifier = verifierOf({ issuer: 'https://issuer.test', apiServer: server.origin });
    await verifier.verify(tokenOf('https://issuer.test'));
    expect(server.seen.map(({ url }) => url.pathname)).toEqual([
      '/.well-known/openid-configuration',
      '/openid/v1/jwks',
    ]);
    expect(outside.seen).toEqual([]);
  });

  it('finds an API server under a path, as behind a proxy for many clusters', async () => {
    const server = await serveLoopback(({ url }) =>
      url.pathname === '/clusters/1/.well-known/openid-configuration'
        ? discovery('https://issuer.test', 'https://issuer.test/keys')
        : { body: JSON.stringify({ keys: [issuer.jwk] }) },
    );
    const apiServer = `${server.origin}/clusters/1/`;
    await verifierOf({ issuer: 'https://issuer.test', apiServer }).verify(tokenOf('https://issuer.test'));
    expect(server.seen[1]?.url.pathname).toBe('/clusters/1/openid/v1/jwks');
  });

  it.each([
    ['in clear text from elsewhere', 'http://keys.test/jwks'],
    ['in a file', 'file:///etc/passwd'],
    ['nowhere', undefined],
    ['in a list', ['https://keys.test']],
  ])('does not take keys %s', async (_where, jwksUri) => {
    const server = await serveLoopback(() => discovery(server.origin, jwksUri));
    const error = await rejectionOf(verifierOf({ issuer: server.origin }).verify(tokenOf(server.origin)));
    expect(error.code).toBe('ERR_VERIFY_UNAVAILABLE');
    expect(error.message).toContain('its "jwks_uri" is not a URL with https');
  });

  it.each<[string, Partial<LoopbackResponse>]>([
    ['a redirect', { status: 302, headers: { Location: 'https://elsewhere.test/' } }],
    ['what is no JSON', { body: '<html>' }],
    ['no object', { body: 'null' }],
    ['more than a megabyte', { body: `{"issuer":"${'a'.repeat(1024 * 1024)}"}` }],
  ])('does not take %s', async (_what, response) => {
    const server = await serveLoopback(() => response);
    const error = await rejectionOf(verifierOf({ issuer: server.origin }).verify(tokenOf(server.origin)));
    expect(error.code).toBe('ERR_VERIFY_UNAVAILABLE');
    expect(server.seen).toHaveLength(1);
  });

  it('does not use a key set that is none', async () => {
    const server = await serveLoopback(({ url }) =>
      url.pathname === '/keys' ? { body: '{"keys":"none"}' } : discovery(server.origin, `${server.origin}/keys`),
    );
    const error = await rejectionOf(verifierOf({ issuer: server.origin }).verify(tokenOf(server.origin)));
    expect(error.code).toBe('ERR_VERIFY_UNAVAILABLE');
  });
});

describe('TokenReview', () => {
  const review = (apiServer: string) =>
    createTokenVerifier({ issuer: issuer.url, audience: 'billing', method: 'token-review', apiServer });

  it('keeps the token out of the error when the server repeats it in its own', async () => {
    const server = await serveLoopback(({ body }) => ({
      status: 201,
      body: JSON.stringify({ status: { error: `invalid bearer token: ${JSON.parse(body).spec.token}` } }),
    }));
    const token = issuer.sign();
    const error = await rejectionOf(review(server.origin).verify(token));
    expect(error.code).toBe('ERR_VERIFY_REVOKED');
    expect(error.message).toContain('invalid bearer token: [token]');
    expectNoToken(error, token);
  });

  it('keeps the token out of the error when the answer cannot be parsed', async () => {
    const token = issuer.sign();
    const echoes = ['no HTTP at all', `HTTP/1.1 201 Created\r\n\r\n{"spec":{"token":"${token}"`];
    for (const echo of echoes) {
      const server = createServer((socket) => {
        socket.once('data', () => socket.end(`${echo} ${token}\r\n\r\n`));
        socket.on('error', () => undefined);
      }).listen(0, '127.0.0.1');
      await new Promise((resolve) => server.once('listening', resolve));
      const { port } = server.address() as AddressInfo;
      const error = await rejectionOf(review(`http://127.0.0.1:${port}`).verify(token));
      expect(error.code).toBe('ERR_VERIFY_UNAVAILABLE');
      expectNoToken(error, token);
      server.close();
    }
  });
});
