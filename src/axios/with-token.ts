import type { AxiosInstance } from 'axios';
import { TokenCarriage, type WithTokenOptions } from '../carry/token-carriage.js';
import type { TokenSource } from '../token-source.js';
import { AxiosCarrier } from './axios-carrier.js';

/**
 * An axios instance whose requests to its base URL's origin, and to the listed ones, carry the token of a source, always a fresh
 * one. The given instance stays as it is; the new one starts with its defaults and interceptors.
 *
 * - A request to another origin, or one that has the header already, goes as it is; so does every hop of a redirect.
 * - When a server refuses the token, the source is asked for another one, and the request is sent once more, beneath the
 *   interceptors; unless its body is a stream. After a redirect, only the hop that refused it gets it again.
 * - The token is in no `config`, `request`, error or `toJSON()` that the program gets to see.
 * - `config.adapter` of a response or an error is the function that carries the token: whoever sends the request again by its
 *   configuration, a retrying interceptor of the given instance for example, carries the token too.
 * - `timeout` covers the wait for the token.
 * - A proxy that reads the request does not get the token for a base URL of `http:`, unless that origin is listed.
 * - axios' `fetch` adapter is served from axios 1.12 on. An adapter or a `transport` of the program's own must not follow redirects
 *   by itself: this library does not see them.
 * - What `create` of the new instance makes has none of its interceptors, as ever, and so no token.
 *
 * @param client - `axios`, or an instance that `axios.create` made
 * @param options.origins - not needed where the instance has a base URL of `https:`
 * @returns an instance of the same type
 * @throws `ERR_TOKEN_OPTION` when no origin may get the token, `ERR_TOKEN_ORIGIN` when it would go in clear text. Requests reject
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
