/** Returns whether a header, named in lower case, is there: under a name in any case, with or without a value. */
export function hasHeader(headers: unknown, name: string): boolean {
  return Object.keys(headers ?? {}).some((key) => key.toLowerCase() === name);
}
