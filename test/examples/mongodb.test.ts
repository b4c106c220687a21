import { tmpdir } from 'node:os';
import { TokenVolume } from 'projected-token/testing';
import { expect, it } from 'vitest';
import { ExampleService } from '../helpers/example-process.js';
import { createTestCluster } from '../helpers/federation.js';
import { OidcMongoServer } from '../helpers/oidc-mongo-server.js';

it('the example of MongoDB signs in with the token, and with the next one once the server asks for it', async () => {
  const cluster = await createTestCluster();
  const [first, second] = [await cluster.mint({ audience: 'mongodb' }), await cluster.mint({ audience: 'mongodb' })];
  await using server = await OidcMongoServer.start(cluster, 'mongodb');
  using volume = TokenVolume.temporary(tmpdir(), { fileName: 'token' });
  volume.write(first);
  const environment = { TOKEN_PATH: volume.path, TOKEN_AUDIENCE: 'mongodb', MONGODB_URI: server.uri };
  const signedIn = 'Signed in as cluster/system:serviceaccount:demo:app\n';
  await using service = await ExampleService.start('mongodb', environment, /^Signed in/m);
  expect(server.tokens).toEqual([first]);

  volume.write(second);
  // The token that the driver keeps is good until the server says otherwise.
  await expect.poll(() => service.output).toMatch(/^Rotated: token .*\nSigned in/m);
  expect(server.tokens).toEqual([first]);

  server.expireSessions();
  await expect.poll(() => server.tokens).toEqual([first, second]);
  const seen = service.output.length;
  await expect.poll(() => service.output.length).toBeGreaterThan(seen);
  // No operation failed.
  expect(service.output.replaceAll(signedIn, '')).toMatch(/^Rotated: token [0-9a-f]{12}\n$/);
  expect(await service.stop()).toBe(0);
});
