import { tmpdir } from 'node:os';
import { type EmbeddedApiServer, TokenVolume } from 'projected-token/testing';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { callerToken, startApiServer } from '../helpers/api-server.js';
import { ExampleService } from '../helpers/example-process.js';
import { HttpOrigin } from '../helpers/http-origin.js';

let cluster: EmbeddedApiServer;
let orders: HttpOrigin;
let volume: TokenVolume;

beforeAll(async () => {
  cluster = await startApiServer();
  orders = await HttpOrigin.start();
  // It knows the token of the moment only.
  orders.on('/orders', ({ headers }) =>
    headers.authorization === `Bearer ${volume.content}` ? { body: '["book"]' } : { status: 401 },
  );
});
afterAll(() => Promise.all([cluster.close(), orders.close()]));

const issue = async (audience: string) => (await cluster.createToken('shop', 'app', { audiences: [audience] })).token;

beforeEach(async () => {
  volume = TokenVolume.temporary(tmpdir(), { fileName: 'token' });
  volume.write(await issue('orders'));
  return () => volume.unmount();
});

function start(example: string, environment: Record<string, string> = {}): Promise<ExampleService> {
  return ExampleService.start(example, { TOKEN_PATH: volume.path, SERVICE_URL: orders.origin, ...environment });
}

/** Status and state of the readiness route, without a token. */
async function readiness(service: ExampleService): Promise<unknown> {
  const response = await fetch(`${service.url}/readyz`, { headers: { Connection: 'close' } });
  const { state } = (await response.json()) as { state: string };
  return { status: response.status, state };
}

it('the example of NestJS calls the other service with the token of the moment', async () => {
  const first = volume.content!;
  volume.unmount();
  await using service = await start('nestjs', { TOKEN_AUDIENCE: 'orders' });
  expect(await readiness(service)).toEqual({ status: 503, state: 'opening' });
  volume.remount(first);
  await expect.poll(() => readiness(service)).toEqual({ status: 200, state: 'ready' });
  const list = async () => {
    const response = await fetch(`${service.url}/orders`, { headers: { Connection: 'close' } });
    return { status: response.status, body: await response.text() };
  };
  expect(await list()).toEqual({ status: 200, body: '["book"]' });
  volume.write(await issue('orders'));
  expect(await list()).toEqual({ status: 200, body: '["book"]' });
  // NestJS ends the process with the signal once everything is shut down.
  expect(await service.stop()).toBe(null);
});

it.each(['fastify-plugin', 'express'])(
  'the example %s knows who calls, and calls the other service with its own token of the moment',
  async (example) => {
    using account = TokenVolume.temporary(tmpdir(), { fileName: 'token', files: { 'ca.crt': cluster.ca! } });
    account.write(await callerToken(cluster));
    await using service = await start(example, {
      TOKEN_AUDIENCE: 'shop',
      TOKEN_ISSUER: cluster.issuer,
      API_SERVER: cluster.origin,
      SERVICE_ACCOUNT_DIRECTORY: account.directory,
    });
    expect(await readiness(service)).toEqual({ status: 200, state: 'ready' });
    const list = (token?: string) => {
      const headers = { Connection: 'close', ...(token && { Authorization: `Bearer ${token}` }) };
      return fetch(`${service.url}/orders`, { headers });
    };
    const caller = await issue('shop');
    const expected = { caller: 'shop/app', orders: ['book'] };
    expect(await (await list(caller)).json()).toEqual(expected);
    volume.write(await issue('orders'));
    expect(await (await list(caller)).json()).toEqual(expected);
    // The caller's token is for this service alone.
    const sent = orders.seen('/orders', 'authorization').map(String);
    expect(sent.some((header) => header.includes(caller))).toBe(false);

    expect((await list()).status).toBe(401);
    expect((await list(await issue('orders'))).status).toBe(401);
    expect(await service.stop()).toBe(0);
  },
);
