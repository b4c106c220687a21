import type { Dispatcher } from 'undici';

/** Headers of a request by name, each as the caller wrote it. */
export type HeadersByName = Record<string, string | string[] | undefined>;

/** undici takes an object, a flat list of names and values, and anything that iterates over pairs; some of those only once. */
export function headersByName(headers: Dispatcher.DispatchOptions['headers']): HeadersByName {
  const byName: HeadersByName = Object.create(null);
  for (const [name, value] of entriesOf(headers)) {
    const known = byName[name];
    byName[name] = known === undefined || value === undefined ? (value ?? known) : [known, value].flat();
  }
  return byName;
}

/** Whether there is a header of this name, which is given in lower case. */
export function hasHeader(headers: HeadersByName, name: string): boolean {
  return Object.entries(headers).some(([known, value]) => value !== undefined && known.toLowerCase() === name);
}

function entriesOf(headers: Dispatcher.DispatchOptions['headers']): Iterable<[string, string | string[] | undefined]> {
  if (headers === undefined || headers === null) return [];
  if (Array.isArray(headers)) return pairsOf(headers);
  if (Symbol.iterator in headers) return headers as Iterable<[string, string | string[] | undefined]>;
  return Object.entries(headers);
}

function pairsOf(list: string[]): [string, string | undefined][] {
  return list.flatMap((name, index) => (index % 2 === 0 ? [[name, list[index + 1]]] : []));
}
