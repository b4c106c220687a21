import type { Dispatcher } from 'undici';
import { hasTag } from '../internal/has-tag.js';

/**
 * The origins that a request may end up at; none when they cannot be told. A `Client` or a pool connects to its own whatever
 * the request says, so what the request says is not enough. Paths say nothing: one such as `//other.internal/` is no host.
 */
export function destinationsOf(dispatcher: Dispatcher, { origin }: Dispatcher.DispatchOptions): URL[] {
  const origins = [...ownOriginsOf(dispatcher), ...(origin ? [String(origin)] : [])];
  const urls = origins.flatMap((text) => (URL.canParse(text) ? [new URL(text)] : []));
  return urls.length === origins.length ? urls : [];
}

function ownOriginsOf(dispatcher: Dispatcher): string[] {
  const upstreams: unknown = Reflect.get(dispatcher, 'upstreams');
  if (Array.isArray(upstreams)) return upstreams;
  // undici keeps the origin of a Client, and of a Pool, under a symbol.
  const key = Object.getOwnPropertySymbols(dispatcher).find(({ description }) => description === 'url');
  const url: unknown = key && Reflect.get(dispatcher, key);
  return hasTag(url, 'URL') ? [(url as URL).origin] : [];
}
