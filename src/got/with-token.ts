import type { AfterResponseHook, BeforeRequestHook, Got, Hooks, Options, Response } from 'got';
import { TokenCarriage, type WithTokenOptions } from '../carry/token-carriage.js';
import { hasTag } from '../internal/has-tag.js';
import type { TokenSource } from '../token-source.js';
import { type AttemptOptions, GotTrip, type OwnForm } from './got-trip.js';

/**
 * Returns a got whose requests to its prefix URL's origin, and to the listed ones, carry a fresh token of a source.
 *
 * - A request to another origin, or one that has the header already, is sent unchanged; each hop of a redirect is checked anew.
 * - When a server rejects the token, the request is retried once with another token of the source, which hooks see as a retry; not if
 *   its body is a stream, and not for `got.stream`.
 * - The token is in no options, request or error that the program sees: it is added beneath got, to Node's own request.
 * - got's `cache` is bypassed for a request that carries the token.
 * - `timeout.request` covers the wait for the token.
 *
 * @param client - `got`, or an instance that `got.extend` made
 * @param options.origins - not needed if the instance has a prefix URL of `https:`
 * @returns an instance of the same type
 * @throws `ERR_TOKEN_OPTION` if no origin may get the token, `ERR_TOKEN_ORIGIN` if it would go in clear text. Requests fail as got's do;
 * got wraps a failure of `source.getToken` in a `RequestError` with its message and code, and since 14.2 its `cause`.
 *
 * @example
 * ```ts
 * const vault = withToken(got.extend({ prefixUrl: 'https://vault.internal:8200' }), provider);
 * const secret = await vault('v1/secret/data/shop').json();
 * ```
 */
export function withToken<Client extends Got>(
  client: Client,
  source: TokenSource,
  options: WithTokenOptions = {},
): Client {
  const prefixUrl = String(client.defaults.options.prefixUrl);
  const carriage = new TokenCarriage(source, options, prefixUrl === '' ? undefined : prefixUrl);
  const { mutableDefaults } = client.defaults;
  return client.extend({ hooks: hooksOf(carriage), mutableDefaults }) as Client;
}

function hooksOf(carriage: TokenCarriage): Partial<Hooks> {
  // The trip of each attempt, and the forms of those that have not begun, by got's own options: nobody sees them there.
  const trips = new WeakMap<object, GotTrip>();
  const forms = new WeakMap<object, OwnForm>();
  const tripOf = (options: AttemptOptions): GotTrip => {
    const known = trips.get(options);
    const trip = known?.goesOn ? known : new GotTrip(carriage, forms.get(options));
    trips.set(options, trip);
    return trip;
  };
  const depart: BeforeRequestHook = (options) => tripOf(options).depart(options);
  const departures = new WeakSet([depart]);
  // The options of a retry are made from those before. Of what they have in common, the program does not see its hooks.
  const handOn = (trip: GotTrip, { beforeRequest }: Hooks) => {
    const at = beforeRequest.findIndex((hook) => departures.has(hook));
    if (at < 0) return;
    const departAgain: BeforeRequestHook = (options, ...rest) => {
      if (!trips.has(options)) trips.set(options, trip);
      const hooks = options.hooks.beforeRequest;
      const now = hooks.indexOf(departAgain);
      if (now >= 0) hooks[now] = depart;
      return depart(options, ...rest);
    };
    departures.add(departAgain);
    beforeRequest[at] = departAgain;
  };
  return {
    init: [
      (given, options) => {
        if (!isFormData(given.body)) return;
        const isTyped = typeof contentType({ ...options.headers, ...given.headers }) === 'string';
        forms.set(options, { data: given.body, isTyped });
      },
    ],
    beforeRequest: [depart],
    beforeRedirect: [
      (options, { request }) => {
        const trip = trips.get(request.options);
        if (trip === undefined) return;
        trip.expectHop();
        trips.set(options, trip);
      },
    ],
    beforeRetry: [
      ({ options }) => {
        const trip = trips.get(options);
        if (trip === undefined) return;
        trip.expectRetry();
        handOn(trip, options.hooks);
      },
    ],
    afterResponse: [
      (response, sendAgain) => {
        const { options } = response.request;
        const trip = trips.get(options);
        if (!trip?.isRefusal(response.statusCode)) return response;
        return sendAgainOnce(trip, response, sendAgain);
      },
    ],
  };
}

async function sendAgainOnce(
  trip: GotTrip,
  response: Response,
  sendAgain: Parameters<AfterResponseHook>[1],
): Promise<Response> {
  const { options } = response.request;
  if (!(await trip.isToBeSentAgain(response.statusCode, options))) return response;
  retryAtOnce(options.retry);
  // Nor does it count as one of those, of which the program allowed so many.
  response.request.retryCount--;
  const { afterResponse } = options.hooks;
  try {
    return await sendAgain({});
  } finally {
    // got takes these off which follow this one.
    options.hooks.afterResponse = afterResponse;
  }
}

/** Whatever the program lets got retry: this retry is none of got's. */
function retryAtOnce(retry: Options['retry']): void {
  const { calculateDelay } = retry;
  retry.calculateDelay = ({ computedValue }) => {
    retry.calculateDelay = calculateDelay;
    return computedValue;
  };
}

/** The last one that got is told, under a name in any case. */
function contentType(headers: object): unknown {
  return Object.entries(headers).findLast(([name]) => name.toLowerCase() === 'content-type')?.[1];
}

/** FormData of any package that keeps to the standard; the package form-data makes a stream. */
function isFormData(body: unknown): body is FormData {
  return hasTag(body, 'FormData') && 'getAll' in body;
}
