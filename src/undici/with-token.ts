import type { Dispatcher } from 'undici';
import { TokenCarriage, type WithTokenOptions } from '../carry/token-carriage.js';
import type { TokenSource } from '../token-source.js';
import { CarryingDispatcher } from './carrying-dispatcher.js';

/**
 * Returns a dispatcher whose requests to the listed origins carry the token of a source, always a fresh one. For `request`, `stream`,
 * `pipeline` and `fetch` of undici, and as the global dispatcher for Node's own `fetch`.
 *
 * - Where the source has a token at hand, a request is sent in the turn of the call. Where it has to be waited for, `headersTimeout`
 *   of the request covers the wait, and so does `close()`: it waits for those requests as for the others.
 * - A request to another origin, or one that has the header already, is dispatched as it is.
 * - Redirects of `interceptors.redirect()` have to be on the outside, or the token would follow them anywhere: beneath this
 *   dispatcher they are turned off. Compose them after: `withToken(new Agent(), …).compose(interceptors.redirect())`.
 * - `fetch` dispatches each hop of a redirect on its own, so each is looked at on its own: unlike with `projected-token/fetch`, an
 *   origin that is not listed can lead to a listed one, which gets the token.
 * - When a server rejects the token, the source is asked for another one, and the request is sent once more, unless its body is a
 *   stream. `fetch` hands every body down as one: use `projected-token/fetch` where those have to be sent again.
 *
 * @param dispatcher - an `Agent`, a `Pool`, a `Client`, …
 * @param options.origins - required: an agent has no base URL
 * @returns a dispatcher of the same type
 * @throws `ERR_TOKEN_OPTION` for origins that are none. Requests fail as undici's do, and as `source.getToken` does.
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
    get: (target, key) => (key in carrying ? carrying[key as keyof CarryingDispatcher] : Reflect.get(target, key)),
  });
}
