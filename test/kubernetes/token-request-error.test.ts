import { inspect } from 'node:util';
import { InvalidOptionError, ListenerError, TokenExchangeError } from 'projected-token';
import { TokenRequestProvider, type TokenRequestProviderOptions } from 'projected-token/kubernetes';
import type { EmbeddedApiServer } from 'projected-token/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLoopbackCertificate } from '../../src/testing/loopback-certificate.js';
import { LoopbackServer } from '../../src/testing/loopback-server.js';
import { kubeConfigOf } from '../helpers/api-server.js';
import { expectNoToken } from '../helpers/federation.js';
import { nextFailure, tokenRequests } from '../helpers/token-requests.js';

type Options = Partial<TokenRequestProviderOptions>;

const { startServer, makeProvider, open, caller } = tokenRequests();
let server: EmbeddedApiServer;

beforeEach(async () => {
  server = await startServer();
});

/** Why the first request of a provider fails; the provider is closed then. */
async function failureOf(options: Options = {}): Promise<TokenExchangeError> {
  const provider = makeProvider(options);
  const failure = nextFailure(provider);
  const started = provider.start().catch(() => {});
  const error = await failure;
  await provider.close();
  await started;
  expect(error).toBeInstanceOf(TokenExchangeError);
  expectNoToken([error, provider], caller());
  return error as TokenExchangeError;
}

describe('An answer of the API server', () => {
  const pod = (reference: object): Options => ({ boundObjectRef: { kind: 'Pod', name: 'app-1', ...reference } });

  interface Refusal {
    readonly status: number;
    readonly what: string;
    readonly code: string;
    readonly options?: Options;
    readonly prepare?: () => void;
    /** Parts of the message: what the API server says, and what to do. */
    readonly says: readonly string[];
  }

  it.each<Refusal>([
    {
      status: 401,
      what: 'the credentials are not accepted',
      code: 'ERR_EXCHANGE_DENIED',
      prepare: () => server.addServiceAccount('ci', 'robot'),
      says: ['Check the credentials in the option "kubeConfig"'],
    },
    {
      status: 403,
      what: 'the permission is missing',
      code: 'ERR_EXCHANGE_DENIED',
      prepare: () => server.revokeGrants(),
      says: [
        'User "system:serviceaccount:ci:robot" cannot create resource "serviceaccounts/token"',
        'the verb "create" on the resource "serviceaccounts/token" (name "app") in the namespace "shop"',
        'RoleBinding',
      ],
    },
    {
      status: 404,
      what: 'the service account does not exist',
      code: 'ERR_EXCHANGE_INVALID',
      options: { serviceAccount: 'nobody' },
      says: ['serviceaccounts "nobody" not found', 'the namespace "shop" has the service account "nobody"'],
    },
    {
      status: 404,
      what: 'the pod does not exist',
      code: 'ERR_EXCHANGE_INVALID',
      options: pod({ name: 'gone' }),
      says: ['pods "gone" not found', 'the service account "app" and the Pod "gone"'],
    },
    {
      status: 409,
      what: 'the pod is another one of the same name',
      code: 'ERR_EXCHANGE_INVALID',
      options: pod({ uid: 'another' }),
      says: ['does not match the UID in record', 'The Pod "app-1" was replaced', '"boundObjectRef.uid"'],
    },
    {
      status: 400,
      what: 'the pod has another service account',
      code: 'ERR_EXCHANGE_INVALID',
      options: pod({ name: 'other-1' }),
      prepare: () => server.addPod({ namespace: 'shop', name: 'other-1', serviceAccount: 'other' }),
      says: ['different serviceaccount name', '"boundObjectRef": the Pod "other-1" must use the service account'],
    },
    {
      status: 422,
      what: 'the API server has stricter rules than Kubernetes',
      code: 'ERR_EXCHANGE_INVALID',
      prepare: () => server.failNext({ status: 422 }),
      says: ['the options "expirationSeconds", "audiences"'],
    },
    ...[429, 500, 502, 503, 504].map((status) => ({
      status,
      what: 'the API server cannot answer now',
      code: 'ERR_EXCHANGE_UNAVAILABLE',
      prepare: () => server.failNext({ status, retryAfterSeconds: 7 }),
      says: ['will be retried'],
    })),
  ])('$status where $what is $code', async ({ status, code, options, prepare, says }) => {
    prepare?.();
    const error = await failureOf(options);
    expect(error).toMatchObject({ code, status, retryAfterMs: status === 422 || status < 429 ? undefined : 7000 });
    expect(error).toHaveProperty('cause.code', status);
    expect(error.message).toContain(`The API server answers ${status}`);
    for (const part of says) expect(error.message).toContain(part);
  });

  it('that comes for a token in use is told in the same words, and the token stays', async () => {
    const provider = await open();
    server.revokeGrants();
    const failure = nextFailure(provider);
    const token = await provider.getToken();
    expect(await provider.replaceToken(token)).toBeUndefined();
    expect(await failure).toMatchObject({ code: 'ERR_EXCHANGE_DENIED', status: 403 });
    expect(provider.status.lastError).toEqual({
      code: 'ERR_EXCHANGE_DENIED',
      message: expect.stringContaining('the verb "create" on the resource "serviceaccounts/token"'),
    });
    expect(await provider.getToken()).toBe(token);
  });
});

describe('An answer that is none', () => {
  let odd: LoopbackServer;
  afterEach(() => odd.close());

  const LEAK = 'eyJhbGciOiJFUzI1NiJ9.eyJjYW5hcnkiOiJjYW5hcnkifQ.c2lnbmF0dXJl';
  const EXPIRY = '2026-01-01T00:00:00Z';
  const request = (status: object) => JSON.stringify({ kind: 'TokenRequest', status });

  it.each([
    ['no token', 201, request({ expirationTimestamp: EXPIRY }), 'ERR_EXCHANGE_INVALID'],
    ['an empty token', 201, request({ token: '', expirationTimestamp: EXPIRY }), 'ERR_EXCHANGE_INVALID'],
    ['no status', 201, '{}', 'ERR_EXCHANGE_INVALID'],
    ['no expiry', 201, request({ token: LEAK }), 'ERR_EXCHANGE_INVALID'],
    ['an expiry that is no time', 201, request({ token: LEAK, expirationTimestamp: 'soon' }), 'ERR_EXCHANGE_INVALID'],
    ['an expiry in the past', 201, request({ token: LEAK, expirationTimestamp: EXPIRY }), 'ERR_EXCHANGE_UNAVAILABLE'],
    ['no JSON', 201, LEAK, 'ERR_EXCHANGE_UNAVAILABLE'],
    ['half a body', 201, request({ token: LEAK }).slice(0, -5), 'ERR_EXCHANGE_UNAVAILABLE'],
    ['an error that is no Status', 404, '<html>not here</html>', 'ERR_EXCHANGE_INVALID'],
  ])('with %s is an error without a token in it', async (_what, status, body, code) => {
    const certificate = createLoopbackCertificate();
    const headers = { 'Content-Type': 'application/json' };
    odd = await LoopbackServer.start(async () => ({ status, headers, body }), certificate);
    const kubeConfig = kubeConfigOf({ origin: odd.origin, ca: certificate.cert }, { token: caller() });
    const error = await failureOf({ kubeConfig });
    expect(error.code).toBe(code);
    // A JSON parser quotes the beginning of what it could not parse.
    expect(inspect(error)).not.toContain(LEAK.slice(0, 10));
    expect(error.message).not.toContain('html');
  });
});

describe('The certificate of the API server', () => {
  it.each([
    ['is of no CA that is known', () => undefined],
    ["is of another CA than the kubeConfig's", () => createLoopbackCertificate().cert],
  ])('that %s ends the request before the credentials are sent', async (_what, ca) => {
    const error = await failureOf({
      kubeConfig: kubeConfigOf({ origin: server.origin, ca: ca() }, { token: caller() }),
    });
    expect(error).toMatchObject({ code: 'ERR_EXCHANGE_UNAVAILABLE', status: undefined });
    expect(error).toHaveProperty('cause.code', expect.stringMatching(/SELF_SIGNED_CERT|SIGNATURE_FAILURE|VERIFY/));
    expect(error.message).toContain('its CA');
    expect(server.requests).toEqual([]);
  });
});

describe('An option', () => {
  const good: TokenRequestProviderOptions = { namespace: 'shop', serviceAccount: 'app' };

  it.each<[string, string, object]>([
    ['namespace', 'is missing', { namespace: undefined }],
    ['serviceAccount', 'is empty', { serviceAccount: '' }],
    ['audiences', 'is no list', { audiences: 'vault' }],
    ['audiences', 'has an empty one', { audiences: ['vault', ''] }],
    ['expirationSeconds', 'is less than 600', { expirationSeconds: 599 }],
    ['expirationSeconds', 'is more than 2^32', { expirationSeconds: 2 ** 32 + 1 }],
    ['expirationSeconds', 'is no number', { expirationSeconds: '3600' }],
    ['boundObjectRef', 'has another kind', { boundObjectRef: { kind: 'Deployment', name: 'app' } }],
    ['timeoutMs', 'is 0', { timeoutMs: 0 }],
    ['readyTimeoutMs', 'is negative', { readyTimeoutMs: -1 }],
  ])('"%s" that %s is refused before anybody is asked', (option, _what, options) => {
    const make = () => new TokenRequestProvider({ ...good, kubeConfig: kubeConfigOf(server, {}), ...options });
    expect(make).toThrow(InvalidOptionError);
    expect(make).toThrow(expect.objectContaining({ code: 'ERR_TOKEN_OPTION', option }));
    expect(server.requests).toEqual([]);
  });

  it.each([600, 2 ** 32])('"expirationSeconds" may be %d', async (expirationSeconds) => {
    const { obtainedAt, expiresAt } = (await open({ expirationSeconds })).status.token!;
    expect((expiresAt.getTime() - obtainedAt.getTime()) / 1000).toBeGreaterThan(expirationSeconds - 15);
  });
});

it('Nothing that a provider shows has its token in it', async () => {
  const provider = makeProvider();
  const told: unknown[] = [];
  for (const name of ['rotated', 'error', 'expired', 'closed'] as const) {
    provider.on(name, ((event: unknown) => told.push([name, event])) as never);
  }
  provider.on('rotated', () => {
    throw new Error('a listener that fails');
  });
  await provider.start();
  const token = await provider.getToken();
  server.failNext({ status: 500 });
  await provider.replaceToken(token);
  const shown = () => [provider, provider.status, JSON.stringify(provider.status), told];
  for (const secret of [token, caller()]) expectNoToken(shown(), secret);
  await provider.close();
  for (const secret of [token, caller()]) expectNoToken(shown(), secret);
  expect(told).toEqual([
    ['rotated', { token: expect.objectContaining({ refreshAt: expect.any(Date) }) }],
    ['error', expect.any(ListenerError)],
    ['error', expect.any(TokenExchangeError)],
    ['closed', undefined],
  ]);
});
