import axios, { type AxiosRequestConfig, type InternalAxiosRequestConfig } from 'axios';
import { parseUrl } from '../carry/allowed-origins.js';

/** What an adapter is given. `env.fetch` and `httpVersion` are not in the types of every axios 1. */
export type RequestConfig = InternalAxiosRequestConfig & { env?: { fetch?: typeof fetch }; httpVersion?: 1 | 2 };

/** What a configuration says of what to send with. */
export type AdapterConfig = AxiosRequestConfig['adapter'];

/**
 * Returns a copy of a configuration with some of it changed, and with the same prototype: axios makes it without one. A loop over the
 * keys of such an object takes less than half the time of `Object.assign`.
 */
export function copyConfig(config: RequestConfig, ...changes: (Partial<RequestConfig> | undefined)[]): RequestConfig {
  const copy = Object.create(Object.getPrototypeOf(config));
  const given = config as unknown as Record<PropertyKey, unknown>;
  for (const key of Object.keys(given)) copy[key] = given[key];
  // An interceptor may leave a note for an adapter there.
  for (const key of Object.getOwnPropertySymbols(given)) copy[key] = given[key];
  return Object.assign(copy, ...changes);
}

/** Resolves URLs as every instance does, and has no defaults of its own: `axios.getUri` has those of the program. */
const resolver = new axios.Axios({});

/** Surely relative to the base URL, in every version of axios: no scheme, no `//`, and nothing that a URL parser removes. */
const PLAIN_PATH = /^(?![a-z][a-z\d+\-.]*:|\/\/)[\x21-\x5b\x5d-\x7e]*$/i;

/** What a whole URL begins with, as far as its origin; where it may mean anything else, it is left to the parser as it is. */
const PLAIN_ORIGIN = /^https?:\/\/[a-z\d.:[\]-]+(?=[/?#]|$)/i;

/** Where a request goes: as far as the origin and credentials, if that is a whole URL. */
export interface Target {
  readonly url: URL;
  /** What `url` gives anew each time that it is asked. */
  readonly origin: string;
  readonly hasCredentials: boolean;
}

/** The target of the last base URL: it is the same one for most requests of an instance. */
let lastBase: { readonly text: string; readonly target: Target | undefined } | undefined;

export function targetOf({ baseURL, url = '', allowAbsoluteUrls }: RequestConfig): Target | undefined {
  // Without a base URL, the URL is sent as it is: axios has nothing to resolve, which would take it longer than all else here.
  if (!baseURL) return targetOfBase(PLAIN_ORIGIN.exec(url)?.[0] ?? url);
  if (PLAIN_PATH.test(url)) return targetOfBase(baseURL);
  return parseTarget(resolver.getUri({ baseURL, url, allowAbsoluteUrls }));
}

function targetOfBase(text: string): Target | undefined {
  if (lastBase?.text !== text) lastBase = { text, target: parseTarget(text) };
  return lastBase.target;
}

function parseTarget(text: string): Target | undefined {
  const url = parseUrl(text);
  return url && { url, origin: url.origin, hasCredentials: url.username !== '' || url.password !== '' };
}

/** Whether the caller decided about a header; `null` and `false`, by which axios leaves one out, count as well. */
export function hasHeader(config: RequestConfig, name: string, { hasCredentials }: Target): boolean {
  if (config.headers.has(name)) return true;
  // Of these axios makes an Authorization, in place of any other.
  return name === 'authorization' && (Boolean(config.auth) || hasCredentials);
}

/** Whether axios sends a request with its own fetch adapter, by name or as `axios.getAdapter` gave it. */
export function usesFetch(config: RequestConfig, given: AdapterConfig): boolean {
  const names = given ?? axios.defaults.adapter;
  // Of several names axios takes the first that the platform has: on Node `http` before `fetch`, and no `xhr`.
  const adapter = Array.isArray(names) ? names.find((name) => name !== 'xhr') : names;
  if (typeof adapter !== 'function') return adapter === 'fetch';
  return adapter === axios.getAdapter('fetch') || adapter === axios.getAdapter('fetch', config);
}
