import axios, { type AxiosResponse } from 'axios';
import { hideToken } from '../carry/hide-token.js';
import type { RequestConfig } from './request-config.js';

/** Hands a request on, with the token in it, to axios or to an adapter of the program's own. */
export type Send = (config: RequestConfig) => Promise<AxiosResponse>;

/**
 * Sends a request, and shows the program its own configuration in what comes of it instead of the one that was sent.
 *
 * @param token - the token in it, which the program does not get to see in the request either
 */
export async function sendShowing(
  shown: RequestConfig,
  sent: RequestConfig,
  send: Send,
  token?: string,
): Promise<AxiosResponse> {
  try {
    const response = await send(sent);
    response.config = shown;
    if (token !== undefined) hideToken(response.request, token);
    return response;
  } catch (error) {
    if (axios.isAxiosError(error)) {
      // The error that a CancelToken was canceled with has none, and is that of every request with this CancelToken.
      if (error.config !== undefined) error.config = shown;
      if (error.response !== undefined) error.response.config = shown;
      if (token !== undefined) hideToken(error.request, token);
    }
    throw error;
  }
}
