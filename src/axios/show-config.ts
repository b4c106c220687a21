import type { AxiosError } from 'axios';
import type { RequestConfig } from './request-config.js';

/** Shows the program its own configuration in an error, in the place of the one that was sent. */
export function showConfig(error: AxiosError, config: RequestConfig): void {
  // The error that a CancelToken was canceled with has none, and is that of every request with this CancelToken. Nor has a cause.
  if (error.config != null) error.config = config;
  if (error.response !== undefined) error.response.config = config;
}
