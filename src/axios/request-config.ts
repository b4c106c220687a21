import axios, { type InternalAxiosRequestConfig } from 'axios';

/** What an adapter is given. `env.fetch` is not in the types of every axios 1. */
export type RequestConfig = InternalAxiosRequestConfig & { env?: { fetch?: typeof fetch } };

/** Where a request goes, if that is a whole URL. */
export function urlOf({ baseURL, url, allowAbsoluteUrls }: RequestConfig): URL | undefined {
  const target = axios.getUri({ baseURL, url, allowAbsoluteUrls });
  return URL.canParse(target) ? new URL(target) : undefined;
}

/** Whether the caller decided about a header; `null` and `false`, by which axios leaves one out, count as well. */
export function hasHeader(config: RequestConfig, name: string, url: URL): boolean {
  if (config.headers.has(name)) return true;
  // Of these axios makes an Authorization, in place of any other.
  return name === 'authorization' && (Boolean(config.auth) || url.username !== '' || url.password !== '');
}

/** Whether axios sends a request with its own fetch adapter, by name or as `axios.getAdapter` gave it. */
export function usesFetch(config: RequestConfig): boolean {
  // Of several names axios takes the first that the platform has: on Node `http` before `fetch`, and no `xhr`.
  const [adapter] = [config.adapter].flat().filter((name) => name !== 'xhr');
  if (typeof adapter !== 'function') return adapter === 'fetch';
  return adapter === axios.getAdapter('fetch') || adapter === axios.getAdapter('fetch', config);
}
