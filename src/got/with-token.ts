import type { Got, Hooks, Options } from 'got';
import { TokenCarriage, type WithTokenOptions } from '../carry/token-carriage.js';
import { hasTag } from '../internal/has-tag.js';
import type { TokenSource } from '../token-source.js';
import { GotTrip } from './got-trip.js';

/**
 * A got whose requests to its prefix URL's origin, and to the listed ones, carry the token of a source, always a fresh one.
 *
 * - A request to another origin, or one that has the header already, goes as it is; each hop of a redirect is looked at anew.
 * - When a server refuses the token, the source is asked for another one, and the request is sent once more, which hooks see as
 *   a retry; not for a body that is a stream, and not for `got.stream`.
 * - The token is in no options, request or error that the program gets to see: it is put on beneath got, on Node's own request.
 * - got's `cache` is passed by for a request that carries the token.
 *
 * @param client - `got`, or an instance that `got.extend` made
 * @param options.origins - not needed where the instance has a prefix URL of `https:`
 * @returns an instance of the same type
 * @throws `ERR_TOKEN_OPTION` when no origin may get the token, `ERR_TOKEN_ORIGIN` when it would go in clear text. Requests fail as
 * got's do; of a failure of `source.getToken` got makes a `RequestError` with its message and code, and since 14.2 its `cause`.
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
  // One of its own for each instance: one may be made of another.
  const key = Symbol('projected-token');
  const tripOf = ({ context }: Pick<Options, 'context'>) => (context as Record<symbol, GotTrip | undefined>)[key];
  return {
    init: [
      (given) => {
        if (isFormData(given.body)) given.context = { ...given.context, [key]: new GotTrip(carriage, given.body) };
      },
    ],
    beforeRequest: [
      async (request) => {
        const known = tripOf(request);
        const trip = known?.goesOn ? known : new GotTrip(carriage);
        Object.assign(request.context, { [key]: trip });
        await trip.depart(request);
      },
    ],
    beforeRedirect: [(request) => tripOf(request)?.expectHop()],
    beforeRetry: [({ options }) => tripOf(options)?.expectRetry()],
    afterResponse: [
      async (response, sendAgain) => {
        const { options } = response.request;
        if (!(await tripOf(options)?.isToBeSentAgain(response.statusCode, options))) return response;
        retryAtOnce(options.retry);
        const { afterResponse } = options.hooks;
        try {
          return await sendAgain({});
        } finally {
          // got takes these off which follow this one.
          options.hooks.afterResponse = afterResponse;
        }
      },
    ],
  };
}

/** Whatever the program lets got retry: this retry is none of got's. */
function retryAtOnce(retry: Options['retry']): void {
  const { calculateDelay } = retry;
  retry.calculateDelay = ({ computedValue }) => {
    retry.calculateDelay = calculateDelay;
    return computedValue;
  };
}

/** FormData of any package that keeps to the standard; the package form-data makes a stream. */
function isFormData(body: unknown): body is FormData {
  return hasTag(body, 'FormData') && 'getAll' in body;
}
