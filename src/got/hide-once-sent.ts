import type { ClientRequest } from 'node:http';
import { hideToken } from '../carry/hide-token.js';

/** Hides the token of a request before got hands it to the program, with its response or its error. */
export function hideOnceSent(request: ClientRequest, token: string): void {
  const hide = () => hideToken(request, token);
  request.prependOnceListener('response', hide);
  // got destroys every request that fails, and one that is aborted before the request tells of anything.
  const { destroy } = request;
  const hideAndDestroy: typeof destroy = (error) => {
    hide();
    return destroy.call(request, error);
  };
  Object.defineProperty(request, 'destroy', { value: hideAndDestroy, configurable: true, writable: true });
}
