import type { AxiosInstance } from 'axios';
import { TokenCarriage, type WithTokenOptions } from '../carry/token-carriage.js';
import type { TokenSource } from '../token-source.js';
import { AxiosCarrier } from './axios-carrier.js';

/**
 * Returns an axios instance whose requests to its base URL's origin, and to the listed ones, carry a fresh token of a source. The given
 * instance is not changed; the new one starts with its defaults and interceptors.
 *
 * - A request to another origin, or one that has the header already, is sent unchanged; so is every hop of a redirect.
 * - When a server rejects the token, the request is retried once with another token of the source, beneath the interceptors, unless its
 *   body is a stream. After a redirect, only the hop that rejected it is retried.
 * - The token is in no `config`, `request`, error or `toJSON()` that the program sees.
 * - `config.adapter` of a response or an error is the function that carries the token, so a request that is sent again by its
 *   configuration, for example by a retrying interceptor, carries the token too.
 * - `timeout` covers the wait for the token.
 * - With a base URL of `http:`, a proxy that can read the request does not get the token, unless that origin is listed.
 * - The `fetch` adapter is supported since axios 1.12. A custom adapter or `transport` must not follow redirects by itself: this library
 *   would not see them.
 * - As always in axios, an instance made by `create` of the new one has none of its interceptors, and so no token.
 *
 * @param client - `axios`, or an instance that `axios.create` made
 * @param options.origins - not needed if the instance has a base URL of `https:`
 * @returns an instance of the same type
 * @throws `ERR_TOKEN_OPTION` if no origin may get the token, `ERR_TOKEN_ORIGIN` if it would go in clear text. Requests reject
 * as axios' do, and as `source.getToken` does; with the `fetch` adapter that is the `cause` of an `AxiosError`.
 *
 * @example
 * ```ts
 * const vault = withToken(axios.create({ baseURL: 'https://vault.internal:8200' }), provider);
 * const { data } = await vault.get('/v1/secret/data/shop');
 * ```
 */
export function withToken<Client extends AxiosInstance>(
  client: Client,
  source: TokenSource,
  options: WithTokenOptions = {},
): Client {
  const derived = derive(client);
  const carrier = new AxiosCarrier(new TokenCarriage(source, options, client.defaults.baseURL));
  // Interceptors of requests run in the reverse of their order: as the first, this one sees what all others made of a request.
  derived.interceptors.request.use((config) => carrier.wrapAdapter(config), null, { synchronous: true });
  copyInterceptors(client, derived);
  return derived;
}

/** Another instance with the same defaults; of `axios` itself, with its functions as well. */
function derive<Client extends AxiosInstance>(client: Client): Client {
  const derived = client.create();
  for (const name of Object.keys(client) as (keyof Client)[]) {
    if (!(name in derived)) Object.assign(derived, { [name]: client[name] });
  }
  return derived as Client;
}

interface InterceptorHandler {
  readonly fulfilled: null;
  readonly rejected: null;
  readonly synchronous: boolean;
  readonly runWhen: null;
}

/** The handlers themselves have no public type; axios' own `forEach` visits those that were not ejected. */
function copyInterceptors(from: AxiosInstance, to: AxiosInstance): void {
  for (const kind of ['request', 'response'] as const) {
    const manager = from.interceptors[kind] as unknown as {
      forEach(visit: (handler: InterceptorHandler) => void): void;
    };
    manager.forEach(({ fulfilled, rejected, synchronous, runWhen }) => {
      to.interceptors[kind].use(fulfilled, rejected, { synchronous, runWhen });
    });
  }
}
