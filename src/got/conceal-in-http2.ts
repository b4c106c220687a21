import { hideToken } from '../carry/hide-token.js';
import type { SecretHeader } from '../carry/secret-header.js';

type Headers = Record<string, unknown>;

/** What got's HTTP/2 sends with: the agent of the package http2-wrapper up to got 15, of got itself since 16. */
interface Http2Agent {
  request(origin: unknown, options: unknown, headers: Headers, streamOptions?: unknown): Promise<unknown>;
}

/** What got hands to its HTTP/2: an agent for each protocol that the server may choose. */
interface Http2Options {
  readonly agent?: { readonly http2?: Partial<Http2Agent> };
  readonly headers?: Headers;
}

/**
 * Has the next request of HTTP/2 carry a header that the request does not hold: it shows `[token]`, and the agent puts the token
 * there when it opens the stream.
 *
 * @param options - of the request
 * @returns other options; nothing where the request is not sent by an agent
 */
export function concealInHttp2<T extends Http2Options>(options: T, header: SecretHeader): T | undefined {
  const http2 = options.agent?.http2;
  if (typeof http2?.request !== 'function') return undefined;
  const front: Http2Agent = Object.create(http2);
  front.request = async (origin, requestOptions, headers, streamOptions) => {
    const sent = { ...headers, [header.name]: header.value };
    const made = await (http2 as Http2Agent).request(origin, requestOptions, sent, streamOptions);
    hideInStream((made as { stream?: unknown }).stream ?? made, header);
    return made;
  };
  const headers = { ...options.headers, [header.name]: header.shown };
  return { ...options, headers, agent: { ...options.agent, http2: front } };
}

/** Node keeps what a stream was opened with, for whoever asks. */
function hideInStream(stream: unknown, header: SecretHeader): void {
  const { sentHeaders } = stream as { sentHeaders?: Headers };
  if (sentHeaders !== undefined) sentHeaders[header.name] = header.shown;
  hideToken(stream, header.token);
}
