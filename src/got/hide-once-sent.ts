import type { ClientRequest } from 'node:http';
import { hideToken } from '../carry/hide-token.js';

/** Hides the token of a request before got hands it to the program, with its response or its error. */
export function hideOnceSent(request: ClientRequest, token: string): void {
  const hide = () => hideToken(request, token);
  for (const event of ['response', 'error', 'close']) request.prependOnceListener(event, hide);
}
