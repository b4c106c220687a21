/**
 * An API that takes access tokens of an OAuth 2.0 server, called every second: through rotations of the pod's token and of the server's.
 *
 * Run: npx tsx examples/oauth.ts
 * Environment: TOKEN_PATH (default /var/run/secrets/tokens), OAUTH_ISSUER (also the audience of the pod's token), OAUTH_SCOPE, API_URL;
 * NODE_EXTRA_CA_CERTS for a CA of your own
 */
import { setTimeout as pause } from 'node:timers/promises';
import { ProjectedTokenProvider } from 'projected-token';
import { withToken } from 'projected-token/fetch';
import { OAuthTokenProvider } from 'projected-token/oauth';

const issuer = process.env.OAUTH_ISSUER ?? 'https://keycloak.internal/realms/shop';
const api = process.env.API_URL ?? 'https://orders.internal/orders';
const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());

const source = await ProjectedTokenProvider.open({ path: process.env.TOKEN_PATH, audience: issuer });

// The server knows the client by the subject of the token: no secret is stored in the cluster.
const options = { issuer, source, grant: 'client-credentials', scope: process.env.OAUTH_SCOPE } as const;
const accessTokens = await OAuthTokenProvider.open(options);
accessTokens.on('rotated', ({ token }) => console.log(`New access token, until ${token.expiresAt.toISOString()}`));
accessTokens.on('error', (error) => console.error(error.message));

const apiFetch = withToken(fetch, accessTokens, { origins: [new URL(api).origin] });

while (!stop.signal.aborted) {
  const response = await apiFetch(api);
  await response.body?.cancel();
  console.log(`${response.status}, with the scopes ${accessTokens.status.token?.scopes.join(' ')}`);
  await pause(1000, undefined, { signal: stop.signal }).catch(() => {});
}

await accessTokens.close();
await source.close();
