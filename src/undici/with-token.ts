import type { Dispatcher } from 'undici';
import { TokenCarriage, type WithTokenOptions } from '../carry/token-carriage.js';
import type { TokenSource } from '../token-source.js';
import { CarriedDispatch } from './carried-dispatch.js';
import { hasHeader } from './dispatch-headers.js';

/**
 * A dispatcher whose requests to the listed origins carry the token of a source, always a fresh one. For `request`, `stream`,
 * `pipeline` and `fetch` of undici, and as the global dispatcher for Node's own `fetch`.
 *
 * - A request to another origin, or one that has the header already, is dispatched as it is. `fetch` dispatches each hop of a
 *   redirect on its own, so each is looked at anew.
 * - Redirects of `interceptors.redirect()` have to be on the outside, or the token would follow them anywhere: beneath this
 *   dispatcher they are turned off. Compose them after: `withToken(new Agent(), …).compose(interceptors.redirect())`.
 * - When a server refuses the token, the source is asked for another one, and the request is sent once more, unless its body is a
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
  const carriage = new TokenCarriage(source, options);
  const fixedOrigin = originOf(dispatcher);
  return dispatcher.compose((dispatch) => (request, handler) => {
    const url = urlOf(request, fixedOrigin);
    if (url === undefined || !carriage.allows(url) || hasHeader(request.headers, carriage.header)) {
      return dispatch(request, handler);
    }
    return new CarriedDispatch(dispatch, carriage, url, request, handler).start();
  }) as unknown as D;
}

function urlOf(request: Dispatcher.DispatchOptions, fixedOrigin: string | undefined): URL | undefined {
  const origin = request.origin === undefined ? fixedOrigin : String(request.origin);
  return origin !== undefined && URL.canParse(request.path, origin) ? new URL(request.path, origin) : undefined;
}

/** A `Pool` or `Client` knows its origin, and its requests need not say it; undici keeps it under a symbol. */
function originOf(dispatcher: Dispatcher): string | undefined {
  const key = Object.getOwnPropertySymbols(dispatcher).find(({ description }) => description === 'url');
  const url: unknown = key && Reflect.get(dispatcher, key);
  return url instanceof URL ? url.origin : undefined;
}
