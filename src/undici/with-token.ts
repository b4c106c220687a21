import type { Dispatcher } from 'undici';
import { TokenCarriage, type WithTokenOptions } from '../carry/token-carriage.js';
import { InvalidOptionError } from '../errors.js';
import type { TokenSource } from '../token-source.js';
import { CarriedDispatch } from './carried-dispatch.js';
import { destinationsOf } from './destinations.js';
import { hasHeader, headersByName } from './dispatch-headers.js';
import { DispatchJourneys } from './dispatch-journeys.js';

/**
 * A dispatcher whose requests to the listed origins carry the token of a source, always a fresh one. For `request`, `stream`,
 * `pipeline` and `fetch` of undici, and as the global dispatcher for Node's own `fetch`.
 *
 * - A request to another origin, or one that has the header already, is dispatched as it is.
 * - Redirects of `interceptors.redirect()` have to be on the outside, or the token would follow them anywhere: beneath this
 *   dispatcher they are turned off. Compose them after: `withToken(new Agent(), …).compose(interceptors.redirect())`.
 * - `fetch` dispatches each hop of a redirect on its own, so each is looked at on its own: unlike with `projected-token/fetch`, an
 *   origin that is not listed can lead to a listed one, which gets the token.
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
  const journeys = new DispatchJourneys(carriage);
  return dispatcher.compose((dispatch) => (request, handler) => {
    assertComposable(handler);
    const journey = journeys.of(handler);
    const [url, ...others] = destinationsOf(dispatcher, request);
    if (url === undefined || ![url, ...others].every((destination) => journey.carriesTo(destination))) {
      return dispatch(request, handler);
    }
    const headers = headersByName(request.headers);
    if (hasHeader(headers, carriage.header)) {
      journey.leave();
      return dispatch({ ...request, headers }, handler);
    }
    return new CarriedDispatch(dispatch, { carriage, journey, url, headers, options: request }, handler).start();
  }) as unknown as D;
}

/** undici 6, of which Node 20 and 22 hold a copy, has other handlers: a request would end without a word. */
function assertComposable(handler: Dispatcher.DispatchHandler): void {
  if (typeof handler.onRequestStart !== 'function') {
    throw new InvalidOptionError(
      'client',
      'The dispatcher is one of undici 6, maybe the global dispatcher of Node itself. Use an Agent of undici 7.',
    );
  }
}
