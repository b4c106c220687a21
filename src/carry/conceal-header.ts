import { ClientRequest, type OutgoingHttpHeaders } from 'node:http';
import { hideToken } from './hide-token.js';
import type { SecretHeader } from './secret-header.js';
import { swapInNextWrite } from './swap-in-next-write.js';

type Headers = OutgoingHttpHeaders | readonly string[] | null | undefined;

/**
 * Puts a header with a token on a request without the request ever holding the token: the request, the options that it was made
 * with and its events show `[token]`, and the token takes that place where the request is written to its socket.
 *
 * @param request - one of Node's that was just made: nothing of it has been written
 * @param header - replaces the header of this name, if the request has one
 * @param given - the headers that the request was made with, where they may hold the token
 * @returns `false` when the request is none of Node's, or was written already: it is left as it is
 */
export function concealHeader(request: ClientRequest, header: SecretHeader, given?: Headers): boolean {
  if (!isMadeByNode(request) || (request.headersSent && !hideInStoredText(request, header))) return false;
  const { name, value, shown } = header;
  if (!request.headersSent) request.setHeader(name, shown);
  hideInOptions(given, value, shown);
  const swap = {
    text: header.shownLine,
    replacement: header.line,
    isDue: () => request.headersSent && !request.destroyed,
  };
  if (request.socket) swapInNextWrite(request.socket, swap);
  else request.prependOnceListener('socket', (socket) => swapInNextWrite(socket, swap));
  return true;
}

/** Takes a header with a token off a request that is not to carry it, and out of what the request was made with. */
export function removeHeader(request: ClientRequest, header: SecretHeader, given?: Headers): void {
  if (request.headersSent) hideInStoredText(request, header);
  else request.removeHeader(header.name);
  hideInOptions(given, header.value, undefined);
}

/** Not the request of a mock, which derives from Node's: what answers in the place of a server has to see the token. */
function isMadeByNode(request: ClientRequest): boolean {
  return Object.getPrototypeOf(request) === ClientRequest.prototype;
}

/** Node makes the text of a request's head in the constructor if there is a header `Expect`, long before it is written. */
function hideInStoredText(request: ClientRequest, header: SecretHeader): boolean {
  const text: unknown = Reflect.get(request, '_header');
  if (request.socket || typeof text !== 'string' || !text.includes(header.value)) return false;
  hideToken(request, header.token);
  return true;
}

/** @param shown - what to show; nothing takes the header out */
function hideInOptions(headers: Headers, value: string, shown: string | undefined): void {
  if (!headers) return;
  const held = headers as Record<string, unknown>;
  for (const key of Object.keys(held)) {
    if (held[key] !== value) continue;
    if (shown === undefined) delete held[key];
    else held[key] = shown;
  }
}
