import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ExampleService } from '../helpers/example-process.js';
import { createTestCluster } from '../helpers/federation.js';
import { HttpOrigin } from '../helpers/http-origin.js';
import { CLIENT_ID, OAuthServer } from '../helpers/oauth-server.js';
import { temporaryDirectory } from '../helpers/temporary-directory.js';

let server: OAuthServer;
let api: HttpOrigin;
const cluster = await createTestCluster(CLIENT_ID);

beforeAll(async () => {
  server = await OAuthServer.start(cluster);
  api = await HttpOrigin.start();
});
afterAll(() => Promise.all([server.close(), api.close()]));

it('the example of OAuth calls an API with an access token', async () => {
  const path = join(await temporaryDirectory(), 'token');
  await writeFile(path, await cluster.mint({ audience: server.issuer }));
  const asked = new Set<string>();
  const API_URL = api.on('/orders', ({ headers }) => {
    asked.add(String(headers.authorization));
    return { body: '[]' };
  });
  const environment = { TOKEN_PATH: path, OAUTH_ISSUER: server.issuer, OAUTH_SCOPE: 'orders.read', API_URL };
  const example = await ExampleService.start('oauth', environment, /^200, with the scopes orders\.read$/m);
  expect(await example.stop()).toBe(0);
  const [bearer] = asked;
  expect(await server.introspect(bearer!.replace('Bearer ', ''))).toMatchObject({ active: true, scope: 'orders.read' });
});
