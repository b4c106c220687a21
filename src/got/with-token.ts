import type { ClientRequest } from 'node:http';
import type { Got, Hooks, Options } from 'got';
import { hideToken } from '../carry/hide-token.js';
import { isReplayableBody } from '../carry/is-replayable-body.js';
import { TokenCarriage, type TokenJourney, type WithTokenOptions } from '../carry/token-carriage.js';
import type { TokenSource } from '../token-source.js';

/** What one request needs, kept in its context: got copies the options at each redirect, and the context with them. */
interface RequestState {
  readonly journey: TokenJourney;
  /** The function that sends the request when the library does not stand in its place. */
  readonly inner: ReturnType<Options['getRequestFunction']>;
  /** The next attempt belongs to this journey: a redirect, or the retry of a refused token. */
  goesOn: boolean;
}

const STATE = Symbol('projected-token');

/**
 * A got whose requests to its prefix URL's origin, and to the listed ones, carry the token of a source, always a fresh one.
 *
 * - A request to another origin, or one that has the header already, goes as it is; each hop of a redirect is looked at anew.
 * - When a server refuses the token, the source is asked for another one, and the request is sent once more; not for a body that
 *   is a stream, and not for `got.stream`.
 * - The token is in no options, request or error that the program gets to see: it is put on beneath got, on Node's own request.
 *
 * @param client - `got`, or an instance that `got.extend` made
 * @param options.origins - not needed where the instance has a prefix URL of `https:`
 * @returns an instance of the same type
 * @throws `ERR_TOKEN_OPTION` when no origin may get the token, `ERR_TOKEN_ORIGIN` when it would go in clear text. Requests fail as
 * got's do; a failure of `source.getToken` is the `cause` of a `RequestError`.
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
  const hooks: Partial<Hooks> = {
    beforeRequest: [(request) => putTokenOn(request as Options, carriage)],
    beforeRedirect: [goOn],
    afterResponse: [
      async (response, sendAgain) => {
        const { options: request } = response.request;
        const state = stateOf(request);
        const canSendAgain = isReplayableBody(request.body);
        const shouldRetry = await state?.journey.shouldRetry(response.statusCode, canSendAgain, request.signal);
        if (!shouldRetry) return response;
        goOn(request);
        return sendAgain({});
      },
    ],
  };
  return client.extend({ hooks }) as Client;
}

async function putTokenOn(request: Options, carriage: TokenCarriage): Promise<void> {
  const known = stateOf(request);
  const inner = known?.inner ?? request.getRequestFunction();
  request.request = inner;
  const url = request.url instanceof URL ? request.url : undefined;
  const isOurs =
    url !== undefined && !Object.keys(request.headers).some((name) => name.toLowerCase() === carriage.header);
  if (!isOurs) return;
  const journey = known?.goesOn ? known.journey : carriage.begin();
  setState(request, { journey, inner, goesOn: false });
  const value = await journey.valueFor(url, request.signal);
  const { token } = journey;
  if (value === undefined || token === undefined) return;
  request.request = (target, sent, callback) => {
    const headers = { ...sent.headers, [carriage.header]: value };
    const made = inner?.(target, { ...sent, headers } as typeof sent, callback);
    if (made !== undefined && 'setHeader' in made) hideOnceSent(made as ClientRequest, token);
    return made;
  };
}

/** Before got hands the request on to the program, with its response or its error. */
function hideOnceSent(request: ClientRequest, token: string): void {
  const hide = () => hideToken(request, token);
  request.prependOnceListener('response', hide);
  request.prependOnceListener('error', hide);
  request.prependOnceListener('close', hide);
}

function stateOf(request: Pick<Options, 'context'>): RequestState | undefined {
  return (request.context as Record<symbol, RequestState | undefined>)[STATE];
}

function setState(request: Pick<Options, 'context'>, state: RequestState): void {
  (request.context as Record<symbol, RequestState>)[STATE] = state;
}

function goOn(request: Pick<Options, 'context'>): void {
  const state = stateOf(request);
  if (state !== undefined) state.goesOn = true;
}
