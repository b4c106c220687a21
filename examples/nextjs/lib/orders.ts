import { ProjectedTokenProvider } from 'projected-token';
import { withToken } from 'projected-token/fetch';

const service = process.env.SERVICE_URL ?? 'https://orders.shop.svc';

// Not opened here: `next build` loads this module as well, where there is no token.
const provider = new ProjectedTokenProvider({ path: process.env.TOKEN_PATH, audience: process.env.TOKEN_AUDIENCE });

/** `fetch` as Next.js patches it, with the token: what Next.js adds to it, such as its cache, works as ever. */
export const ordersFetch = withToken(fetch, provider, { origins: [new URL(service).origin] });

/** Returns the orders that there are. */
export async function listOrders(init?: RequestInit): Promise<unknown> {
  // The first call opens it, and all others wait for that.
  await provider.start();
  const response = await ordersFetch(`${service}/orders`, init);
  if (!response.ok) throw new Error(`The orders service answers ${response.status}`);
  return response.json();
}
