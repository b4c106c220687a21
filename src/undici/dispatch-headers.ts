import type { Dispatcher } from 'undici';

type DispatchHeaders = Dispatcher.DispatchOptions['headers'];

/** Whether the headers of a request have this one; `name` in lower case. */
export function hasHeader(headers: DispatchHeaders, name: string): boolean {
  return listOf(headers).some(([known]) => known.toLowerCase() === name);
}

/** The headers of a request and one more, in the form that every version of undici takes. */
export function withHeader(headers: DispatchHeaders, name: string, value: string): string[] {
  return [...listOf(headers), [name, value] as const].flatMap(([key, values]) =>
    [values].flat().flatMap((one) => [key, one]),
  );
}

/** undici takes an object, a flat list of names and values, and anything that iterates over pairs. */
function listOf(headers: DispatchHeaders): [string, string | string[]][] {
  if (headers === undefined || headers === null) return [];
  if (Array.isArray(headers)) {
    return headers.flatMap((name, index) =>
      index % 2 === 0 ? [[name, headers[index + 1] ?? ''] as [string, string]] : [],
    );
  }
  const isIterable = Symbol.iterator in headers;
  const entries = isIterable
    ? [...(headers as Iterable<[string, string | string[] | undefined]>)]
    : Object.entries(headers);
  return entries.filter((entry): entry is [string, string | string[]] => entry[1] !== undefined);
}
