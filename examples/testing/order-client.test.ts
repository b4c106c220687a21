/**
 * How to test code that uses a projected token: no cluster, no sleep, no disk.
 *
 * Works with any test runner; this one is vitest.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createFsFromVolume, Volume } from 'memfs';
import { ProjectedTokenProvider } from 'projected-token';
import { mintToken, TokenVolume } from 'projected-token/testing';
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { OrderClient } from './order-client.js';

let fs: ReturnType<typeof createFsFromVolume>;
let volume: TokenVolume;
let provider: ProjectedTokenProvider;

beforeEach(async () => {
  // A volume in memory, as a kubelet writes it.
  fs = createFsFromVolume(new Volume());
  volume = new TokenVolume({ directory: '/var/run/secrets/tokens', fs });
  volume.write(await mintToken({ audience: 'orders', expiresInSeconds: 600 }));
  provider = await ProjectedTokenProvider.open({ audience: 'orders', fs });
});

afterEach(async () => {
  vi.useRealTimers();
  await provider.close();
});

it('sends the new token after a rotation', async () => {
  const service = await orderService();
  const orders = new OrderClient(service.url, provider);

  service.accepts = `Bearer ${volume.content}`;
  expect(await orders.count()).toBe(2);

  volume.write(await mintToken({ audience: 'orders', expiresInSeconds: 600 }));
  service.accepts = `Bearer ${volume.content}`;
  expect(await orders.count()).toBe(2);
});

it('keeps the last good token when the volume holds something else', async () => {
  const good = await provider.getToken();

  volume.write(await mintToken({ audience: 'somebody-else' }));
  await provider.refresh();

  expect(provider.status.lastError?.code).toBe('ERR_TOKEN_AUDIENCE');
  expect(await provider.getToken()).toBe(good);
});

it('hands out no expired token, whatever the clock did meanwhile', async () => {
  vi.useFakeTimers({ now: Date.now() });

  vi.setSystemTime(Date.now() + 3_600_000);

  await expect(provider.getToken()).rejects.toMatchObject({ code: 'ERR_TOKEN_EXPIRED' });
});

interface OrderService {
  readonly url: string;
  accepts: string;
}

async function orderService(): Promise<OrderService> {
  const server = createServer((request, response) => {
    response.statusCode = request.headers.authorization === service.accepts ? 200 : 401;
    response.end('[{"item":"book"},{"item":"pen"}]');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close().closeAllConnections());
  const service = { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, accepts: '' };
  return service;
}
