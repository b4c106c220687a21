import type { TokenCarriage } from '../carry/token-carriage.js';
import { followRedirect, markRedirected, networkError } from './follow-redirect.js';
import { type Fetch, headersOf, OutgoingRequest, urlOf } from './outgoing-request.js';

/**
 * A fetch that carries the token. It follows redirects itself, because fetch takes no header off but Authorization when a
 * redirect leads to another origin.
 *
 * @param keepBody - whether the body of a `Request` is kept for a second sending
 */
export function carryFetch(fetch: Fetch, carriage: TokenCarriage, { keepBody = true } = {}): Fetch {
  return async (input, init) => {
    const url = urlOf(input);
    if (url === undefined || !carriage.allows(url) || headersOf(input, init).has(carriage.header)) {
      return fetch(input, init);
    }
    const request = new OutgoingRequest(input, init, keepBody);
    try {
      return await travel(fetch, carriage, request);
    } catch (error) {
      // Whatever the wait was for: an aborted fetch rejects with the signal's reason.
      throw request.signal?.aborted ? request.signal.reason : error;
    } finally {
      request.release();
    }
  };
}

async function travel(fetch: Fetch, carriage: TokenCarriage, request: OutgoingRequest): Promise<Response> {
  const journey = carriage.begin();
  let hop = request.start;
  const send = async () => {
    const value = await journey.valueFor(hop.url, request.signal);
    const headers = new Headers(hop.headers);
    if (value !== undefined) headers.set(carriage.header, value);
    return request.send(fetch, hop, headers);
  };
  for (let redirects = 0; ; redirects++) {
    let response = await send();
    if (await journey.shouldRetry(response.status, request.canSendAgain(hop), request.signal)) {
      await discard(response);
      response = await send();
    }
    if (request.redirect !== 'follow') return response;
    if (response.type === 'opaqueredirect') {
      throw networkError('this fetch hides where a redirect leads to, so the token cannot be kept from other origins');
    }
    const next = followRedirect(hop, response, redirects);
    if (next === undefined) return redirects === 0 ? response : markRedirected(response);
    if (!request.canSendAgain(next)) throw networkError(`status ${response.status}: the body cannot be sent again`);
    await discard(response);
    hop = next;
  }
}

/** Frees the connection of a response that nobody will read. */
async function discard(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => undefined);
}
