import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeJwt } from 'jose';
import { type EmbeddedApiServer, TokenVolume } from 'projected-token/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { callerToken, kubeConfigOf, startApiServer } from '../helpers/api-server.js';
import { runExample } from '../helpers/example-process.js';
import { HttpOrigin } from '../helpers/http-origin.js';

let server: EmbeddedApiServer;
let directory: string;

beforeAll(async () => {
  server = await startApiServer();
  server.allow('system:serviceaccount:ci:robot', 'list', 'pods', 'shop');
  directory = await mkdtemp(join(tmpdir(), 'kubernetes-'));
});

afterAll(async () => {
  await server.close();
  await rm(directory, { recursive: true });
});

async function kubeConfigFile(user: object): Promise<string> {
  const path = join(directory, 'config');
  await writeFile(path, kubeConfigOf(server, user).exportConfig());
  return path;
}

it('The example of the client lists pods with the token of the volume', async () => {
  const volume = TokenVolume.temporary(directory);
  volume.write(await callerToken(server));
  const { stdout, stderr } = await runExample('kubernetes', {
    KUBECONFIG: await kubeConfigFile({}),
    TOKEN_PATH: volume.path,
    NAMESPACE: 'shop',
  });
  expect(stdout).toBe('app-1\n');
  expect(stderr).toBe('');
});

it('The example of TokenRequest posts an order with a token for that service', async () => {
  const service = await HttpOrigin.start();
  const { stdout, stderr } = await runExample('token-request', {
    KUBECONFIG: await kubeConfigFile({ token: await callerToken(server) }),
    SERVICE_ACCOUNT: 'shop/app',
    SERVICE_URL: service.on('/v1/orders', { status: 201, body: 'created' }),
  });
  expect(stdout).toBe('201 created\n');
  expect(stderr).toBe('');
  const [authorization] = service.seen('/v1/orders', 'authorization');
  expect(decodeJwt(authorization!.replace('Bearer ', ''))).toMatchObject({
    aud: ['orders'],
    sub: 'system:serviceaccount:shop:app',
  });
  await service.close();
});
