import axios, { type AxiosRequestConfig, type InternalAxiosRequestConfig } from 'axios';

/** What an adapter is given. `env.fetch` and `httpVersion` are not in the types of every axios 1. */
export type RequestConfig = InternalAxiosRequestConfig & { env?: { fetch?: typeof fetch }; httpVersion?: 1 | 2 };

/** What a configuration says of what to send with. */
export type AdapterConfig = AxiosRequestConfig['adapter'];

/** Resolves URLs as every instance does, and has no defaults of its own: `axios.getUri` has those of the program. */
const resolver = new axios.Axios({});

/** Surely relative to the base URL, in every version of axios: no scheme, no `//`, and nothing that a URL parser removes. */
const PLAIN_PATH = /^(?![a-z][a-z\d+\-.]*:|\/\/)[\x21-\x5b\x5d-\x7e]*$/i;

/** The last base URL, parsed: it is the same one for most requests of an instance. */
let lastBase: { readonly text: string; readonly url: URL | undefined } | undefined;

/** Where a request goes, as far as the origin and credentials, if that is a whole URL. */
export function urlOf({ baseURL, url = '', allowAbsoluteUrls }: RequestConfig): URL | undefined {
  if (baseURL && PLAIN_PATH.test(url)) return parseBase(baseURL);
  const target = resolver.getUri({ baseURL, url, allowAbsoluteUrls });
  return URL.canParse(target) ? new URL(target) : undefined;
}

function parseBase(text: string): URL | undefined {
  if (lastBase?.text !== text) lastBase = { text, url: URL.canParse(text) ? new URL(text) : undefined };
  return lastBase.url;
}

/** Whether the caller decided about a header; `null` and `false`, by which axios leaves one out, count as well. */
export function hasHeader(config: RequestConfig, name: string, url: URL): boolean {
  if (config.headers.has(name)) return true;
  // Of these axios makes an Authorization, in place of any other.
  return name === 'authorization' && (Boolean(config.auth) || url.username !== '' || url.password !== '');
}

/** Whether axios sends a request with its own fetch adapter, by name or as `axios.getAdapter` gave it. */
export function usesFetch(config: RequestConfig, given: AdapterConfig): boolean {
  // Of several names axios takes the first that the platform has: on Node `http` before `fetch`, and no `xhr`.
  const [adapter] = [given ?? axios.defaults.adapter].flat().filter((name) => name !== 'xhr');
  if (typeof adapter !== 'function') return adapter === 'fetch';
  return adapter === axios.getAdapter('fetch') || adapter === axios.getAdapter('fetch', config);
}
