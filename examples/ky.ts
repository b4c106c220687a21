/**
 * ky with a token that follows every rotation, by way of the `fetch` that it uses. Hooks, retries and timeouts stay what they are.
 *
 * Run: npx tsx examples/ky.ts
 * Environment: TOKEN_PATH (default /var/run/secrets/tokens), TOKEN_AUDIENCE, SERVICE_URL
 */
import ky from 'ky';
import { ProjectedTokenProvider } from 'projected-token';
import { withToken } from 'projected-token/fetch';

const url = new URL(process.env.SERVICE_URL ?? 'https://service.internal:8443/v1/orders');

const provider = await ProjectedTokenProvider.open({
  path: process.env.TOKEN_PATH,
  audience: process.env.TOKEN_AUDIENCE,
});

// The token goes to this origin only, whatever a redirect says. A refused request is sent once more beneath ky, whose own retry
// is for servers that fail.
const service = ky.create({ fetch: withToken(fetch, provider, { origins: [url.origin] }), timeout: 5000 });

const response = await service.post(url, { json: { item: 'book' } });
console.log(response.status, await response.text());

await provider.close();
