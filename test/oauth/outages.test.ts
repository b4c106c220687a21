import { inspect } from 'node:util';
import { OAuthTokenProvider, type OAuthTokenProviderOptions } from 'projected-token/oauth';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fakeClock, passSeconds, passSecondsSlowly, realClock } from '../helpers/fake-clock.js';
import { createTestCluster, rejectionOf, SettableSource } from '../helpers/federation.js';
import { HttpOrigin } from '../helpers/http-origin.js';
import { expectNoSecret, secret } from '../helpers/secrets.js';

const cluster = await createTestCluster();
let server: HttpOrigin;
let source: SettableSource;
let provider: OAuthTokenProvider;
let issued: number;
let told: string[];

beforeEach(async () => {
  // Each pause as long as it can be; a token of 600 s is replaced after 510 s, and handed out for 590 s.
  fakeClock();
  issued = 0;
  server = await HttpOrigin.start();
  source = new SettableSource(secret(await cluster.mint({ audience: 'sts', expiresInSeconds: 86_400 })));
  isUp();
});
afterEach(async () => {
  await provider.close();
  await server.close();
  realClock();
});

function isUp(): void {
  server.on('/token', () => {
    issued++;
    const body = JSON.stringify({ access_token: `access-${issued}`, token_type: 'Bearer', expires_in: 600 });
    return { headers: { 'content-type': 'application/json' }, body };
  });
}

function create(options: Partial<OAuthTokenProviderOptions> = {}): OAuthTokenProvider {
  told = [];
  const tokenEndpoint = `${server.origin}/token`;
  provider = new OAuthTokenProvider({ tokenEndpoint, source, grant: 'jwt-bearer', ...options });
  for (const name of ['rotated', 'expired', 'error', 'closed'] as const) provider.on(name, () => told.push(name));
  return provider;
}

describe('A token of an authorization server', () => {
  it('is replaced after four fifths of its life, give or take a twentieth', async () => {
    await create().start();
    await passSecondsSlowly(509);
    expect(await provider.getToken()).toBe('access-1');
    await passSecondsSlowly(2);
    expect(await provider.getToken()).toBe('access-2');
    expect(told).toEqual(['rotated', 'rotated']);
    expect(provider.peekToken()).toBe('access-2');
  });

  it('stays in use while the server is down, until it expires; and is followed by another once the server is up', async () => {
    await create().start();
    server.on('/token', { status: 503 });
    await passSecondsSlowly(589);
    expect(await provider.getToken()).toBe('access-1');
    expect(provider.status).toMatchObject({ state: 'ready', lastError: { code: 'ERR_EXCHANGE_UNAVAILABLE' } });
    await passSecondsSlowly(1);
    expect(await rejectionOf(provider.getToken())).toMatchObject({ code: 'ERR_EXCHANGE_UNAVAILABLE', status: 503 });
    expect(provider.status).toMatchObject({ state: 'expired', token: undefined });
    expect(told.filter((name) => name === 'expired')).toHaveLength(1);
    isUp();
    // A quarter of the time that it was down.
    await passSecondsSlowly(21);
    expect(await provider.getToken()).toBe('access-2');
    expect(provider.status).toMatchObject({ state: 'ready', lastError: undefined });
    expect(told.at(-1)).toBe('rotated');
  });

  it('is given up on in time by a server that does not answer, and asked for again', async () => {
    await create({ timeoutMs: 2_000 }).start();
    server.on('/token', 'hang');
    await passSecondsSlowly(520);
    expect(provider.status.lastError!.message).toBe(
      `Cannot reach the authorization server at ${server.origin}: no answer within 2000 ms (option "timeoutMs").`,
    );
    isUp();
    await passSecondsSlowly(20);
    expect(await provider.getToken()).toBe('access-2');
  });

  it('is not waited for longer than an attempt may take, where its source hangs', async () => {
    await create({ timeoutMs: 2_000 }).start();
    source.getToken = () => new Promise(() => {});
    await passSecondsSlowly(520);
    expect(provider.status.lastError!.message).toContain('returned no token within 2000 ms');
    expect(await provider.getToken()).toBe('access-1');
  });

  it('is replaced with the service account token of that moment', async () => {
    await create().start();
    const next = secret(await cluster.mint({ audience: 'sts', expiresInSeconds: 86_400 }));
    source.current = next;
    await passSecondsSlowly(511);
    const sent = server.requests.map(({ body }) => new URLSearchParams(body.toString()).get('assertion'));
    expect(sent[1] === next).toBe(true);
  });

  it('opens once the server is up, within readyTimeoutMs', async () => {
    server.on('/token', { status: 502 });
    const opening = create({ readyTimeoutMs: 30_000 }).start();
    await passSecondsSlowly(5);
    isUp();
    await passSecondsSlowly(5);
    expect(await (await opening).getToken()).toBe('access-1');
  });

  it('does not open where the server stays down', async () => {
    server.on('/token', { status: 502 });
    const opening = rejectionOf(create({ readyTimeoutMs: 10_000 }).start());
    await passSecondsSlowly(10);
    expect(await opening).toMatchObject({ code: 'ERR_EXCHANGE_UNAVAILABLE', status: 502 });
    expect(told.at(-1)).toBe('closed');
  });

  it('is not given by a provider that was closed, by hand or by its signal', async () => {
    const stop = new AbortController();
    await create({ signal: stop.signal }).start();
    stop.abort();
    expect(await rejectionOf(provider.getToken())).toMatchObject({ code: 'ERR_TOKEN_CLOSED' });
    expect(provider.status.state).toBe('closed');
    await passSeconds(3600);
    expect(server.requests).toHaveLength(1);
  });

  it('shows in no provider, status or event, and neither does the service account token', async () => {
    const access = secret(`access-token-of-${'x'.repeat(40)}`);
    server.on('/token', {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ access_token: access, token_type: 'bearer', expires_in: 600, scope: 'a b' }),
    });
    const payloads: unknown[] = [];
    create({ clientId: 'shop' }).on('rotated', (event) => payloads.push(event));
    provider.on('error', (error) => payloads.push(error));
    await provider.start();
    server.on('/token', ({ body }) => ({
      status: 400,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ error: 'invalid_grant', error_description: body.toString() }),
    }));
    await passSecondsSlowly(520);
    expect(payloads.length).toBeGreaterThan(1);
    const depth = Number.POSITIVE_INFINITY;
    const inspected = [provider, provider.status, ...payloads].map((value) =>
      inspect(value, { depth, showHidden: true, getters: true }),
    );
    const shown = [...inspected, ...[provider.status, ...payloads].map((value) => JSON.stringify(value))];
    for (const output of shown) expectNoSecret(output);
  });
});
