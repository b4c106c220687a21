import type { Dispatcher } from 'undici';
import { TokenCarriage, type WithTokenOptions } from '../carry/token-carriage.js';
import type { TokenSource } from '../token-source.js';
import { CarryingDispatcher } from './carrying-dispatcher.js';

const MEMBERS: ReadonlySet<PropertyKey> = new Set<keyof CarryingDispatcher>(['dispatch', 'close', 'destroy', 'closed']);

/**
 * Returns a dispatcher whose requests to the listed origins carry a fresh token of a source. For `request`, `stream`, `pipeline` and
 * `fetch` of undici, and as the global dispatcher for Node's own `fetch`.
 *
 * - If the source has a token at hand, the request is sent in the turn of the call. Otherwise `headersTimeout` of the request covers the
 *   wait for the token, and `close()` waits for it as for any other request.
 * - A request to another origin, or one that has the header already, is dispatched unchanged.
 * - Compose redirects on the outside: `withToken(new Agent(), …).compose(interceptors.redirect())`. Beneath this dispatcher they are
 *   turned off, as the token would follow them to any origin.
 * - `fetch` dispatches each hop of a redirect as a request of its own. Unlike with `projected-token/fetch`, an origin that is not listed
 *   can so redirect to a listed one, which gets the token.
 * - When a server rejects the token, the request is retried once with another token of the source, unless its body is a stream. `fetch`
 *   makes a stream of every body: use `projected-token/fetch` to have those retried.
 * - The rejection is kept while the source is asked for another token. A body of more than 10 MiB is cut off with an error.
 *
 * @param dispatcher - an `Agent`, a `Pool`, a `Client`, …
 * @param options.origins - required: an agent has no base URL
 * @returns a dispatcher of the same type
 * @throws `ERR_TOKEN_OPTION` for invalid origins. Requests fail as undici's do, and as `source.getToken` does.
 *
 * @example
 * ```ts
 * const dispatcher = withToken(new Agent(), provider, { origins: ['https://vault.internal:8200'] });
 * const { body } = await request('https://vault.internal:8200/v1/secret/data/shop', { dispatcher });
 * setGlobalDispatcher(dispatcher); // for Node's fetch, too
 * ```
 */
export function withToken<D extends Dispatcher>(dispatcher: D, source: TokenSource, options: WithTokenOptions): D {
  const carrying = new CarryingDispatcher(new TokenCarriage(source, options), dispatcher);
  return new Proxy(dispatcher, {
    get: (target, key) =>
      MEMBERS.has(key) ? carrying[key as keyof CarryingDispatcher] : target[key as keyof Dispatcher],
  });
}
