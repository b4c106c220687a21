import type { TokenCarriage, TokenJourney } from '../carry/token-carriage.js';
import { waitWithBody } from '../carry/wait-with-body.js';
import { cancelBody } from './cancel-body.js';
import type { CarryFetchOptions } from './carry-fetch-options.js';
import { followRedirect, type Hop, markRedirected, networkError } from './follow-redirect.js';
import { type Fetch, headersOf, OutgoingRequest, urlOf, withRepeatableHeaders } from './outgoing-request.js';

/**
 * Returns a fetch that carries the token, from any function with its signature. It follows redirects itself: at a redirect to another
 * origin, fetch removes the header Authorization only.
 */
export function carryByHand(fetch: Fetch, carriage: TokenCarriage, { keepBody }: CarryFetchOptions): Fetch {
  return async (input, given) => {
    const url = urlOf(input);
    if (url === undefined || !carriage.allows(url)) return fetch(input, given);
    const init = withRepeatableHeaders(given);
    if (headersOf(input, init).has(carriage.header)) return fetch(input, init);
    const request = new OutgoingRequest(input, init, keepBody);
    try {
      return await travel(fetch, carriage, request);
    } catch (error) {
      request.cancel(error);
      throw error;
    } finally {
      request.release();
    }
  };
}

async function travel(fetch: Fetch, carriage: TokenCarriage, request: OutgoingRequest): Promise<Response> {
  const journey = carriage.begin();
  let hop = request.start;
  let hasLeftOrigin = false;
  for (let redirects = 0; ; redirects++) {
    const response = await sendHop(fetch, carriage, request, journey, hop);
    if (request.redirect !== 'follow') return response;
    if (response?.type === 'opaqueredirect') {
      throw networkError(
        'this fetch hides the target of a redirect, so the token could reach another origin; pass a fetch that honours redirect: "manual"',
      );
    }
    const next = followRedirect(hop, response, request.maxRedirects - redirects);
    if (next === undefined) return redirects === 0 ? response : markRedirected(response, hasLeftOrigin);
    hasLeftOrigin ||= next.url.origin !== request.start.url.origin;
    if (hasLeftOrigin && request.mode === 'same-origin') throw networkError('request mode cannot be "same-origin"');
    if (!request.canSendAgain(next)) throw networkError(`status ${response.status}: the body cannot be sent again`);
    cancelBody(response.body);
    hop = next;
  }
}

/** Sends one hop, and retries once if it rejected the token. */
async function sendHop(
  fetch: Fetch,
  { header }: TokenCarriage,
  request: OutgoingRequest,
  journey: TokenJourney,
  hop: Hop,
): Promise<Response> {
  const send = async () => {
    const headers = new Headers(hop.headers);
    if (journey.carriesTo(hop.url))
      headers.set(header, journey.valueAtHand() ?? (await waitForValue(journey, request)));
    return request.send(fetch, hop, headers);
  };
  const response = await send();
  // A mock may answer with anything.
  const status: unknown = response?.status;
  if (typeof status !== 'number') return response;
  if (!(await journey.shouldRetry(status, request.canSendAgain(hop), request.signal))) return response;
  cancelBody(response.body);
  return send();
}

/** A stream that fails meanwhile fails the request with its own error, as node-fetch does. */
function waitForValue(journey: TokenJourney, { body, signal }: OutgoingRequest): Promise<string> {
  return waitWithBody((ending) => journey.value(ending), { body, signal, toError: (failure) => failure });
}
