/**
 * MongoDB's driver with the mechanism MONGODB-OIDC. The driver keeps the token that the callback gave, and calls again when the server
 * asks it to authenticate anew, as it does once that token has expired: operations that are under way go on.
 *
 * Run: npx tsx examples/mongodb.ts
 * Environment: TOKEN_PATH (default /var/run/secrets/tokens), TOKEN_AUDIENCE, MONGODB_URI; NODE_EXTRA_CA_CERTS for a CA of your own
 */
import { setTimeout as pause } from 'node:timers/promises';
import { MongoClient } from 'mongodb';
import { ProjectedTokenProvider } from 'projected-token';

const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());

const provider = await ProjectedTokenProvider.open({
  path: process.env.TOKEN_PATH,
  audience: process.env.TOKEN_AUDIENCE,
});
provider.on('rotated', ({ current }) => console.log(`Rotated: token ${current.fingerprint}`));

const client = new MongoClient(process.env.MONGODB_URI ?? 'mongodb://mongodb.internal/?tls=true', {
  authMechanism: 'MONGODB-OIDC',
  authMechanismProperties: {
    OIDC_CALLBACK: async ({ timeoutContext }) => ({ accessToken: await provider.getToken({ signal: timeoutContext }) }),
  },
});

while (!stop.signal.aborted) {
  try {
    const { authInfo } = await client.db('admin').command({ connectionStatus: 1 });
    console.log(`Signed in as ${authInfo.authenticatedUsers[0]?.user}`);
  } catch (error) {
    console.error((error as Error).message);
  }
  await pause(250, undefined, { signal: stop.signal }).catch(() => {});
}

await client.close();
await provider.close();
