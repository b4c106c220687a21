import { createServer } from 'node:http';
import express from 'express';
import Fastify from 'fastify';
import { createMocks } from 'node-mocks-http';
import {
  createTokenVerifier,
  requireToken,
  type TokenIdentity,
  type TokenVerifier,
  tokenIdentityOf,
} from 'projected-token/verify';
import serverless from 'serverless-http';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { ForgingIssuer } from '../helpers/forging-issuer.js';
import { Gate } from '../helpers/gate.js';
import { serveForTest } from '../helpers/serve-for-test.js';

let issuer: ForgingIssuer;
let verifier: TokenVerifier;
beforeAll(async () => {
  issuer = await ForgingIssuer.start();
  verifier = createTokenVerifier({ issuer: issuer.url, audience: 'billing', ca: issuer.ca });
});
afterAll(() => issuer.close());

const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });
const forged = () => issuer.sign().slice(0, -4).concat('AAAA');

/** Warnings of the process, and what would have ended it, until the test is over. */
function recordTrouble() {
  const warnings: Error[] = [];
  const fatal: unknown[] = [];
  const onWarning = (warning: Error) => warnings.push(warning);
  const onFatal = (error: unknown) => fatal.push(error);
  const others = ['uncaughtException', 'unhandledRejection'] as const;
  const kept = others.map((event) => [event, process.listeners(event as 'uncaughtException')] as const);
  for (const event of others) process.removeAllListeners(event).on(event, onFatal);
  process.on('warning', onWarning);
  onTestFinished(() => {
    process.off('warning', onWarning);
    for (const [event, listeners] of kept) {
      process.removeAllListeners(event);
      for (const listener of listeners) process.on(event, listener);
    }
  });
  return { warnings, fatal };
}

/** A verifier that waits for the test before it does what it does, and tells when that is done. */
function heldVerifier() {
  const [gate, settled] = [new Gate(), new Gate()];
  const verify = async (token: string) => {
    await gate.opened;
    return verifier.verify(token).finally(() => settled.open());
  };
  const release = async () => {
    gate.open();
    await settled.opened;
    await turns();
  };
  return { verify, release };
}

/** Microtasks and the turns of the event loop in which a rejection becomes an unhandled one. */
const turns = async () => {
  for (let n = 0; n < 3; n++) await new Promise((resolve) => setImmediate(resolve));
};

describe.each([
  ['a forged token', forged],
  ['a good token', () => issuer.sign()],
])('A response that was sent while %s was verified', (_which, tokenOf) => {
  it('is left alone in Express', async () => {
    const trouble = recordTrouble();
    const held = heldVerifier();
    const app = express();
    app.use((_request, response, next) => {
      next();
      response.status(503).send('too slow');
    });
    app.use(requireToken(held));
    let reached = false;
    app.use((_request, response) => {
      reached = true;
      response.send('late');
    });
    app.use(((_error, _request, _response, _next) => {
      reached = true;
    }) as express.ErrorRequestHandler);
    const response = await fetch(await serveForTest(createServer(app)), { headers: bearer(tokenOf()) });
    expect([response.status, await response.text()]).toEqual([503, 'too slow']);
    await held.release();
    expect(trouble).toEqual({ warnings: [], fatal: [] });
    expect(reached).toBe(false);
  });

  it('is left alone in Fastify', async () => {
    const trouble = recordTrouble();
    const held = heldVerifier();
    const app = Fastify();
    onTestFinished(() => app.close());
    app.addHook('onRequest', (_request, reply, done) => {
      done();
      reply.code(503).send('too slow');
    });
    app.addHook('onRequest', requireToken(held));
    app.get('/', () => 'late');
    const response = await app.inject({ url: '/', headers: bearer(tokenOf()) });
    expect([response.statusCode, response.body]).toEqual([503, 'too slow']);
    await held.release();
    expect(trouble).toEqual({ warnings: [], fatal: [] });
  });
});

describe('Functions of the application that fail', () => {
  const refusedBy = async (onRefused: () => unknown, headers: Record<string, string>) => {
    const app = express();
    app.use(requireToken(verifier, { onRefused }));
    return (await fetch(await serveForTest(createServer(app)), { headers })).status;
  };

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('no log');
      },
    ],
    ['rejects', () => Promise.reject(new Error('no log'))],
    ['never settles', () => new Promise(() => {})],
  ])('onRefused that %s changes nothing about the answer, and is not silent', async (how, onRefused) => {
    const trouble = recordTrouble();
    expect(await refusedBy(onRefused, bearer(forged()))).toBe(401);
    expect(await refusedBy(onRefused, {})).toBe(401);
    await turns();
    expect(trouble.fatal).toEqual([]);
    expect(trouble.warnings.map(({ message, cause }) => [message, (cause as Error).message])).toEqual(
      how === 'never settles'
        ? []
        : Array(2).fill(['requireToken: the option "onRefused" failed; its error is the cause of this one.', 'no log']),
    );
  });

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('no handler');
      },
    ],
    ['rejects', () => Promise.reject(new Error('no handler'))],
  ])('next that %s has the request answered with 500, and is not silent', async (_how, next) => {
    const trouble = recordTrouble();
    const guard = requireToken(verifier);
    const origin = await serveForTest(createServer((request, response) => guard(request, response, next)));
    expect((await fetch(origin, { headers: bearer(issuer.sign()) })).status).toBe(500);
    await turns();
    expect(trouble.fatal).toEqual([]);
    expect(trouble.warnings.map(({ cause }) => (cause as Error).message)).toEqual(['no handler']);
  });

  it('next that throws at an error, likewise', async () => {
    const trouble = recordTrouble();
    const broken: Pick<TokenVerifier, 'verify'> = { verify: () => Promise.reject(new Error('a bug')) };
    const guard = requireToken(broken);
    const origin = await serveForTest(
      createServer((request, response) =>
        guard(request, response, (error) => {
          throw error;
        }),
      ),
    );
    expect((await fetch(origin, { headers: bearer(issuer.sign()) })).status).toBe(500);
    await turns();
    expect(trouble.fatal).toEqual([]);
  });
});

describe('Requests that are not of node:http', () => {
  const app = () => {
    const site = express();
    site.use((request, response, next) => requireToken(verifier)(request, response, next));
    site.get('/', (request, response) => void response.json({ subject: tokenIdentityOf(request).subject }));
    return site;
  };

  it('are let in by their token under serverless-http', async () => {
    const handler = serverless(app()) as unknown as (
      event: object,
      context: object,
    ) => Promise<{ statusCode: number; body: string }>;
    const call = (headers: Record<string, string>) =>
      handler({ version: '2.0', rawPath: '/', headers, requestContext: { http: { method: 'GET', path: '/' } } }, {});
    const response = await call(bearer(issuer.sign()));
    expect(response).toMatchObject({ statusCode: 200, body: '{"subject":"system:serviceaccount:shop:checkout"}' });
    expect(await call(bearer(forged()))).toHaveProperty('statusCode', 401);
    expect(await call({})).toHaveProperty('statusCode', 401);
    expect(await call({ authorization: `Bearer ${issuer.sign()},Bearer b` })).toHaveProperty('statusCode', 400);
  });

  it('are let in by their token under node-mocks-http', async () => {
    const { req, res } = createMocks({ headers: bearer(issuer.sign()) });
    const passed = new Promise<void>((resolve) => requireToken(verifier)(req, res, () => resolve()));
    await passed;
    expect(tokenIdentityOf(req).subject).toBe('system:serviceaccount:shop:checkout');
  });

  it.each<[string, object, number | undefined]>([
    ['no headers at all', {}, 401],
    ['a list of one', { headers: { authorization: ['TOKEN'] } }, undefined],
    ['a list of two', { headers: { authorization: ['TOKEN', 'TOKEN'] } }, 400],
    ['a name in upper case', { headers: { AUTHORIZATION: 'TOKEN' } }, undefined],
    ['two spellings of the name', { headers: { authorization: 'TOKEN', Authorization: 'TOKEN' } }, 400],
    ['a name without a value', { headers: { authorization: undefined } }, 401],
    [
      'raw headers that say it twice',
      { rawHeaders: ['Authorization', 'TOKEN', 'authorization', 'TOKEN'], headers: { authorization: 'TOKEN' } },
      400,
    ],
  ])('are read to the letter: %s', async (_what, request, refusedWith) => {
    const text = JSON.stringify(request).replaceAll('TOKEN', `Bearer ${issuer.sign()}`);
    const { res } = createMocks();
    const next = vi.fn();
    requireToken(verifier)(JSON.parse(text), res, next);
    await vi.waitFor(() => expect(res._isEndCalled() || next.mock.calls.length > 0).toBe(true));
    expect(next.mock.calls).toEqual(refusedWith === undefined ? [[]] : []);
    if (refusedWith !== undefined) expect(res.statusCode).toBe(refusedWith);
  });
});

it('a property raw of an Express request, of another middleware, changes nothing', async () => {
  const app = express();
  app.use((request, _response, next) => {
    Object.assign(request, { raw: Buffer.from('the body') });
    next();
  });
  app.use(requireToken(verifier));
  app.get('/', (request, response) => void response.json(tokenIdentityOf(request).namespace));
  const response = await fetch(await serveForTest(createServer(app)), { headers: bearer(issuer.sign()) });
  expect([response.status, await response.json()]).toEqual([200, 'shop']);
});

it('a verifier of the other copy of this library is understood by its codes', async () => {
  class ForeignError extends Error {
    constructor(readonly code: string) {
      super('of the CommonJS copy');
    }
  }
  const identity = { namespace: 'shop' } as TokenIdentity;
  const foreign: Pick<TokenVerifier, 'verify'> = {
    verify: async (code) => {
      if (code === 'good') return identity;
      throw new ForeignError(code);
    },
  };
  const app = express();
  const told: unknown[] = [];
  app.use(requireToken(foreign, { onRefused: (error) => told.push(error?.code) }));
  app.use((_request, response) => void response.send('passed'));
  app.use(((_error, _request, response, _next) => void response.status(500).end()) as express.ErrorRequestHandler);
  const origin = await serveForTest(createServer(app));
  const codes = ['good', 'ERR_VERIFY_EXPIRED', 'ERR_VERIFY_FORBIDDEN', 'ERR_VERIFY_UNAVAILABLE', 'ERR_TOKEN_CLOSED'];
  const statuses = codes.map(async (code) => (await fetch(origin, { headers: bearer(code) })).status);
  expect(await Promise.all(statuses)).toEqual([200, 401, 403, 503, 500]);
  expect(told.sort()).toEqual(['ERR_VERIFY_EXPIRED', 'ERR_VERIFY_FORBIDDEN', 'ERR_VERIFY_UNAVAILABLE']);
});
