import axios, { type AxiosRequestConfig, type InternalAxiosRequestConfig } from 'axios';
import { parseUrl } from '../carry/allowed-origins.js';

/** What an adapter is given. `env.fetch` and `httpVersion` are not in the types of every axios 1. */
export type RequestConfig = InternalAxiosRequestConfig & { env?: { fetch?: typeof fetch }; httpVersion?: 1 | 2 };

/** What a configuration says of what to send with. */
export type AdapterConfig = AxiosRequestConfig['adapter'];

/**
 * Returns a copy of a configuration, key by key: axios makes it without a prototype, and to spread or to assign such an object takes
 * twice as long, microseconds for every request on Node 20.
 */
export function copyConfig(config: RequestConfig): RequestConfig {
  const given = config as unknown as Record<string, unknown>;
  const copy: Record<string, unknown> = Object.create(Object.getPrototypeOf(given));
  for (const key of Object.keys(given)) copy[key] = given[key];
  return copy as unknown as RequestConfig;
}

/** Resolves URLs as every instance does, and has no defaults of its own: `axios.getUri` has those of the program. */
const resolver = new axios.Axios({});

/** Surely relative to the base URL, in every version of axios: no scheme, no `//`, and nothing that a URL parser removes. */
const PLAIN_PATH = /^(?![a-z][a-z\d+\-.]*:|\/\/)[\x21-\x5b\x5d-\x7e]*$/i;

/** What a whole URL begins with, as far as its origin; where it may mean anything else, it is left to the parser as it is. */
const PLAIN_ORIGIN = /^https?:\/\/[a-z\d.:[\]-]+(?=[/?#]|$)/i;

/** The last base URL, parsed: it is the same one for most requests of an instance. */
let lastBase: { readonly text: string; readonly url: URL | undefined } | undefined;

/** Where a request goes, as far as the origin and credentials, if that is a whole URL. */
export function urlOf({ baseURL, url = '', allowAbsoluteUrls }: RequestConfig): URL | undefined {
  // Without a base URL, the URL is sent as it is: axios has nothing to resolve, which would take it longer than all else here.
  if (!baseURL) return parseBase(PLAIN_ORIGIN.exec(url)?.[0] ?? url);
  if (PLAIN_PATH.test(url)) return parseBase(baseURL);
  return parseUrl(resolver.getUri({ baseURL, url, allowAbsoluteUrls }));
}

function parseBase(text: string): URL | undefined {
  if (lastBase?.text !== text) lastBase = { text, url: parseUrl(text) };
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
  const names = given ?? axios.defaults.adapter;
  // Of several names axios takes the first that the platform has: on Node `http` before `fetch`, and no `xhr`.
  const adapter = Array.isArray(names) ? names.find((name) => name !== 'xhr') : names;
  if (typeof adapter !== 'function') return adapter === 'fetch';
  return adapter === axios.getAdapter('fetch') || adapter === axios.getAdapter('fetch', config);
}
