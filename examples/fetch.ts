/**
 * `fetch` with a token that follows every rotation.
 *
 * Run: npx tsx examples/fetch.ts
 * Environment: TOKEN_PATH (default /var/run/secrets/tokens), TOKEN_AUDIENCE, SERVICE_URL
 */
import { ProjectedTokenProvider } from 'projected-token';
import { withToken } from 'projected-token/fetch';

const url = new URL(process.env.SERVICE_URL ?? 'https://service.internal:8443/v1/orders');

const provider = await ProjectedTokenProvider.open({
  path: process.env.TOKEN_PATH,
  audience: process.env.TOKEN_AUDIENCE,
});
provider.on('rotated', ({ current }) => console.log(`Rotated: token ${current.fingerprint}`));
provider.on('rejected', ({ error }) => console.error(error.message));

// The token goes to this origin only, whatever a redirect says.
const serviceFetch = withToken(fetch, provider, { origins: [url.origin] });

const response = await serviceFetch(url, { method: 'POST', body: JSON.stringify({ item: 'book' }) });
console.log(response.status, await response.text());

await provider.close();
