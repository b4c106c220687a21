import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import Fastify from 'fastify';
import {
  createTokenVerifier,
  type RequireTokenOptions,
  requireToken,
  type TokenVerifier,
  type TokenVerifierOptions,
  tokenIdentityOf,
} from 'projected-token/verify';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { FORGED_TOKENS } from '../helpers/forged-tokens.js';
import { ForgingIssuer } from '../helpers/forging-issuer.js';

interface Site {
  readonly url: string;
  close(): Promise<void>;
}

async function expressSite(verifier: Pick<TokenVerifier, 'verify'>, options?: RequireTokenOptions): Promise<Site> {
  const app = express();
  app.get('/open', (_request, response) => void response.json(tokenIdentityOf(_request)));
  app.use(requireToken(verifier, options));
  app.get('/whoami', (request, response) => void response.json({ subject: tokenIdentityOf(request).subject }));
  app.use(((_error, _request, response, _next) => void response.status(500).end()) as express.ErrorRequestHandler);
  const server = app.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

async function fastifySite(verifier: Pick<TokenVerifier, 'verify'>, options?: RequireTokenOptions): Promise<Site> {
  const app = Fastify();
  app.get('/open', async (request) => tokenIdentityOf(request));
  await app.register(async (guarded) => {
    guarded.addHook('onRequest', requireToken(verifier, options));
    guarded.get('/whoami', async (request) => ({ subject: tokenIdentityOf(request).subject }));
  });
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  return { url, close: () => app.close() };
}

let issuer: ForgingIssuer;
beforeAll(async () => {
  issuer = await ForgingIssuer.start();
});
afterAll(() => issuer.close());

function verifierOf(options: Partial<TokenVerifierOptions> = {}): TokenVerifier {
  return createTokenVerifier({ issuer: issuer.url, audience: 'billing', ca: issuer.ca, ...options });
}

describe.each([
  ['Express', expressSite],
  ['Fastify', fastifySite],
])('%s', (_name, startSite) => {
  let site: Site;
  afterEach(() => site.close());

  async function call(authorization?: string): Promise<Response> {
    return fetch(`${site.url}/whoami`, {
      headers: { Connection: 'close', ...(authorization !== undefined && { Authorization: authorization }) },
    });
  }

  it('lets a good token pass, and says whose it is', async () => {
    site = await startSite(verifierOf());
    for (const scheme of ['Bearer', 'bearer', 'BEARER ']) {
      const response = await call(`${scheme} ${issuer.sign()}`);
      expect(response.status).toBe(200);
      expect(await response.json()).toEqual({ subject: 'system:serviceaccount:shop:checkout' });
    }
  });

  it('refuses every forged token with 401', async () => {
    site = await startSite(verifierOf());
    for (const [name, forge] of FORGED_TOKENS) {
      const response = await call(`Bearer ${forge(issuer)}`);
      expect([name, response.status]).toEqual([name, 401]);
      expect(response.headers.get('WWW-Authenticate')).toMatch(
        /^Bearer realm="kubernetes", error="invalid_token", error_description="[\x20\x21\x23-\x5b\x5d-\x7e]+"$/,
      );
      expect(await response.text()).toBe('');
    }
  });

  it('asks for a token without naming an error when none was sent', async () => {
    site = await startSite(verifierOf(), { realm: 'the "inner" shop' });
    for (const authorization of [undefined, 'Basic YTpi', 'Bearerish x']) {
      const response = await call(authorization);
      expect(response.status).toBe(401);
      expect(response.headers.get('WWW-Authenticate')).toBe('Bearer realm="the \\"inner\\" shop"');
      expect(response.headers.get('Cache-Control')).toBe('no-store');
    }
  });

  it.each(['Bearer', 'Bearer ', 'Bearer a b', 'Bearer a,b', 'Bearer a, Bearer b', 'Bearer "a"'])(
    'answers 400 to the malformed header "%s"',
    async (authorization) => {
      site = await startSite(verifierOf());
      const response = await call(authorization);
      expect(response.status).toBe(400);
      expect(response.headers.get('WWW-Authenticate')).toMatch(/, error="invalid_request", error_description=".+"$/);
    },
  );

  it('answers 400 when the header occurs twice, even with a good token first', async () => {
    site = await startSite(verifierOf());
    const headers = { Authorization: [`Bearer ${issuer.sign()}`, 'Bearer another'] as unknown as string };
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      httpRequest(`${site.url}/whoami`, { headers, agent: false }, resolve).on('error', reject).end();
    });
    response.resume();
    expect(response.statusCode).toBe(400);
  });

  it('answers 403 to a genuine token of a service account that is not let in', async () => {
    site = await startSite(verifierOf({ serviceAccounts: ['shop/cart'] }));
    const response = await call(`Bearer ${issuer.sign()}`);
    expect(response.status).toBe(403);
    expect(response.headers.get('WWW-Authenticate')).toMatch(
      /^Bearer realm="kubernetes", error="insufficient_scope", /,
    );
  });

  it('answers 503 when the keys cannot be fetched', async () => {
    site = await startSite(verifierOf({ ca: undefined }));
    const response = await call(`Bearer ${issuer.sign()}`);
    expect(response.status).toBe(503);
    expect(response.headers.get('Retry-After')).toBe('5');
    expect(response.headers.get('WWW-Authenticate')).toBeNull();
  });

  it('tells the service why, and the caller not', async () => {
    const refusals: unknown[] = [];
    site = await startSite(verifierOf(), {
      onRefused: (error, request) => refusals.push([error?.code, error?.claim, request.url]),
    });
    await call();
    await call(`Bearer ${issuer.sign(issuer.claims({ iss: 'https://attacker.test' }))}`);
    expect(refusals).toEqual([
      [undefined, undefined, '/whoami'],
      ['ERR_VERIFY_ISSUER', 'iss', '/whoami'],
    ]);
  });

  it('fails closed when the verifier fails in a way that was not foreseen', async () => {
    const broken: Pick<TokenVerifier, 'verify'> = {
      verify: async () => {
        throw new Error('a bug');
      },
    };
    site = await startSite(broken);
    expect((await call(`Bearer ${issuer.sign()}`)).status).toBe(500);
  });

  it('has no identity for a route that it does not guard', async () => {
    site = await startSite(verifierOf());
    const response = await fetch(`${site.url}/open`, { headers: { Connection: 'close' } });
    expect(response.status).toBe(500);
  });
});

it('refuses a realm that is no header value', () => {
  expect(() => requireToken(verifierOf(), { realm: 'a\r\nSet-Cookie: b' })).toThrow(
    expect.objectContaining({ code: 'ERR_TOKEN_OPTION', option: 'realm' }),
  );
});
