import { tmpdir } from 'node:os';
import { BoundToken } from 'projected-token';
import { type EmbeddedApiServer, mintToken, TokenVolume } from 'projected-token/testing';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { callerToken, startApiServer } from '../helpers/api-server.js';
import { ExampleService, runExample } from '../helpers/example-process.js';

/** A volume of the service's own, removed at the end of its scope, with a first token. */
function volumeWith(token: string, files: Record<string, string> = {}): TokenVolume {
  const volume = TokenVolume.temporary(tmpdir(), { fileName: 'token', files });
  volume.write(token);
  return volume;
}

const mint = (expiresInSeconds: number) => mintToken({ audience: 'orders', expiresInSeconds });

describe.each(['express', 'fastify'])('The example of verifying tokens with %s', (framework) => {
  let server: EmbeddedApiServer;
  let volume: TokenVolume;
  let service: ExampleService;

  beforeAll(async () => {
    server = await startApiServer();
    volume = volumeWith(await callerToken(server), { 'ca.crt': server.ca! });
    service = await ExampleService.start(`verify-${framework}`, {
      API_SERVER: server.origin,
      TOKEN_ISSUER: server.issuer,
      SERVICE_ACCOUNT_DIRECTORY: volume.directory,
    });
  });

  afterAll(async () => {
    await service.stop();
    await server.close();
    volume.unmount();
  });

  function call(token?: string): Promise<Response> {
    const headers = { Connection: 'close', ...(token && { Authorization: `Bearer ${token}` }) };
    return fetch(`${service.url}/whoami`, { headers });
  }

  async function issue(audience: string): Promise<string> {
    return (await server.createToken('shop', 'app', { audiences: [audience], expirationSeconds: 600 })).token;
  }

  async function issueExpired(): Promise<string> {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 3_600_000 });
    const token = await issue('orders');
    vi.useRealTimers();
    return token;
  }

  it('lets in who sends a token for it, and knows who that is', async () => {
    const response = await call(await issue('orders'));
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ namespace: 'shop', serviceAccount: 'app' });
  });

  it.each<[string, () => Promise<string | undefined>, RegExp, string]>([
    ['no token', async () => undefined, /^Bearer realm="kubernetes"$/, 'No token was sent.'],
    ['an expired token', issueExpired, /, error="invalid_token", error_description=".+"$/, 'expired'],
    ['a token for another', () => issue('vault'), /, error="invalid_token", error_description=".+"$/, 'vault'],
  ])('answers 401 to %s, and logs why without the token', async (_what, tokenOf, challenge, why) => {
    const token = await tokenOf();
    const response = await call(token);
    expect(response.status).toBe(401);
    expect(response.headers.get('WWW-Authenticate')).toMatch(challenge);
    await expect.poll(() => service.output).toContain(why);
    if (token !== undefined) expect(service.output.includes(token.split('.')[1]!)).toBe(false);
  });

  it('ends in good order when it is told to', async () => {
    expect(await service.stop()).toBe(0);
  });
});

// Long enough for a loaded machine to see the rotation, and for the time until the expiry to pass.
describe('The example of probes', { timeout: 90_000 }, () => {
  it.concurrent.for(['express', 'fastify'])(
    'with %s is ready while its token is usable, and alive always',
    async (framework, { expect }) => {
      using volume = volumeWith(await mint(3600));
      await using service = await ExampleService.start(`readiness-${framework}`, {
        TOKEN_PATH: volume.path,
        TOKEN_AUDIENCE: 'orders',
      });
      const probe = async (path: string) => {
        const response = await fetch(service.url + path);
        return { status: response.status, body: await response.text() };
      };
      expect(await probe('/readyz')).toMatchObject({ status: 200 });

      // It is not handed out in the last 10 s.
      const dying = await mint(20);
      volume.write(dying);
      const { fingerprint } = BoundToken.parse(dying);
      await expect.poll(async () => (await probe('/readyz')).body, { timeout: 9_000 }).toContain(fingerprint);
      await expect.poll(() => probe('/readyz'), { timeout: 60_000, interval: 200 }).toMatchObject({ status: 503 });
      expect(JSON.parse((await probe('/readyz')).body)).toMatchObject({ state: 'expired' });
      expect(await probe('/livez')).toEqual({ status: 200, body: 'ok' });
      await expect.poll(() => service.output).toMatch(/^Not ready: .*expire/m);

      volume.write(await mint(3600));
      await expect.poll(() => probe('/readyz'), { timeout: 60_000 }).toMatchObject({ status: 200 });
      await expect.poll(() => service.output).toContain('Ready: there is a usable token');
      expect(await service.stop()).toBe(0);
    },
  );

  it.concurrent.for(['express', 'fastify'])(
    'with %s is alive and not ready while there is no token, and ready when it comes',
    async (framework, { expect }) => {
      using volume = TokenVolume.temporary(tmpdir(), { fileName: 'token' });
      await using service = await ExampleService.start(`readiness-${framework}`, {
        TOKEN_PATH: volume.path,
        TOKEN_AUDIENCE: 'orders',
      });
      const probe = async (path: string) => {
        const response = await fetch(service.url + path);
        return { status: response.status, body: await response.text() };
      };
      expect(await probe('/livez')).toEqual({ status: 200, body: 'ok' });
      const { status, body } = await probe('/readyz');
      expect(status).toBe(503);
      expect(JSON.parse(body)).toMatchObject({ state: 'opening', lastError: { code: 'ERR_TOKEN_NOT_FOUND' } });
      expect(service.output).toMatch(/^Not ready: .*does not exist/m);

      volume.write(await mint(3600));
      await expect.poll(() => probe('/readyz'), { timeout: 60_000 }).toMatchObject({ status: 200 });
      await expect.poll(() => service.output).toContain('Ready: there is a usable token');
      expect(await service.stop()).toBe(0);
    },
  );
});

describe('The examples of metrics', () => {
  it('Prometheus scrapes the figures of the token, as they are now', async () => {
    using volume = volumeWith(await mint(3600));
    await using service = await ExampleService.start('metrics', { TOKEN_PATH: volume.path, TOKEN_AUDIENCE: 'orders' });
    const scrape = async () => (await fetch(`${service.url}/metrics`)).text();
    expect((await fetch(`${service.url}/metrics`)).headers.get('Content-Type')).toContain('text/plain; version=0.0.4');
    expect(await scrape()).toMatch(/^projected_token_time_until_expiry_seconds\{path="[^"]+"\} 3[56]\d\d(\.\d+)?$/m);
    expect(await scrape()).toMatch(/^projected_token_rotations_total\{.*\} 0$/m);
    volume.write(await mint(7200));
    await expect.poll(scrape).toMatch(/^projected_token_rotations_total\{.*\} 1$/m);
    expect((await fetch(`${service.url}/other`)).status).toBe(404);
    expect(await service.stop()).toBe(0);
  });

  it('OpenTelemetry exports them', async () => {
    using volume = volumeWith(await mint(3600));
    const { stdout } = await runExample('metrics-opentelemetry', {
      TOKEN_PATH: volume.path,
      TOKEN_AUDIENCE: 'orders',
    });
    expect(stdout).toContain("name: 'projected_token.time_until_expiry'");
    expect(stdout).toContain(volume.path);
  });
});

it('The example of pino logs each event of the token, and never the token', async () => {
  const [first, second] = [await mint(3600), await mint(7200)];
  using volume = volumeWith(first);
  const environment = { TOKEN_PATH: volume.path, TOKEN_AUDIENCE: 'orders' };
  await using service = await ExampleService.start('logging-pino', environment);
  volume.write(second);
  await expect.poll(() => service.output).toContain('token rotated');
  volume.corrupt('');
  await expect.poll(() => service.output).toContain('token file rejected');
  const lines = service.output.split('\n').filter((line) => line.startsWith('{'));
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { msg: 'token ready', token: { fingerprint: BoundToken.parse(first).fingerprint } },
    { msg: 'token rotated', token: { fingerprint: BoundToken.parse(second).fingerprint } },
    {
      level: 40,
      msg: 'token file rejected',
      err: { code: 'ERR_TOKEN_EMPTY', message: expect.stringContaining('empty') },
    },
  ]);
  for (const token of [first, second]) expect(service.output).not.toContain(token.split('.')[2]!.slice(0, 12));
  expect(await service.stop()).toBe(0);
});
