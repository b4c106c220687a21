/**
 * A got instance with a token that follows every rotation. Hooks, retries and types stay what they are.
 *
 * Run: npx tsx examples/got.ts
 * Environment: TOKEN_PATH (default /var/run/secrets/tokens), TOKEN_AUDIENCE, SERVICE_URL
 */
import got from 'got';
import { ProjectedTokenProvider } from 'projected-token';
import { withToken } from 'projected-token/got';

const provider = await ProjectedTokenProvider.open({
  path: process.env.TOKEN_PATH,
  audience: process.env.TOKEN_AUDIENCE,
});

// The token goes to the origin of the prefix URL only, whatever a redirect says.
const service = withToken(
  got.extend({
    prefixUrl: process.env.SERVICE_URL ?? 'https://service.internal:8443/v1/orders',
    timeout: { request: 5000 },
  }),
  provider,
);

try {
  const { statusCode, body } = await service.post('', { json: { item: 'book' } });
  console.log(statusCode, body);
} catch (error) {
  // An HTTPError or RequestError as ever, without the token in its options and request.
  console.error(error);
  process.exitCode = 1;
}

await provider.close();
