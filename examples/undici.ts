/**
 * An undici dispatcher with a token that follows every rotation: for `request`, `stream`, `fetch`, and all of Node's own `fetch`.
 *
 * Run: npx tsx examples/undici.ts
 * Environment: TOKEN_PATH (default /var/run/secrets/tokens), TOKEN_AUDIENCE, SERVICE_URL
 */
import { ProjectedTokenProvider } from 'projected-token';
import { withToken } from 'projected-token/undici';
import { Agent, interceptors, request } from 'undici';

const url = new URL(process.env.SERVICE_URL ?? 'https://service.internal:8443/v1/orders');

const provider = await ProjectedTokenProvider.open({
  path: process.env.TOKEN_PATH,
  audience: process.env.TOKEN_AUDIENCE,
});

// The token goes to this origin only. Redirects have to be on the outside, so that each hop is looked at.
const dispatcher = withToken(new Agent(), provider, { origins: [url.origin] }).compose(
  interceptors.redirect({ maxRedirections: 3 }),
);

// Or for every request of the program, Node's fetch included: setGlobalDispatcher(dispatcher)
const { statusCode, body } = await request(url, { dispatcher, method: 'POST', body: JSON.stringify({ item: 'book' }) });
console.log(statusCode, await body.text());

await dispatcher.close();
await provider.close();
