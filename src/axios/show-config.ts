import axios from 'axios';
import type { RequestConfig } from './request-config.js';

/** Shows the program its own configuration in an error, in the place of the one that was sent. */
export function showConfig(error: unknown, sent: RequestConfig, config: RequestConfig): void {
  showAs(sent, config);
  if (!axios.isAxiosError(error)) return;
  // The error that a CancelToken was canceled with has none, and is that of every request with this CancelToken.
  if (error.config !== undefined) error.config = config;
  if (error.response !== undefined) error.response.config = config;
}

/** Gives a configuration that was sent what the program's own has: a cause of an error, or a later error of a stream, may show it. */
export function showAs(sent: RequestConfig, config: RequestConfig): void {
  for (const key of Object.keys(sent)) if (!(key in config)) Reflect.deleteProperty(sent, key);
  Object.assign(sent, config);
}
