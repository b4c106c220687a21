import { AxiosHeaders } from 'axios';

/**
 * Returns a copy of headers but for one, as they are: axios' own copies look at each header anew.
 *
 * @param header - in lower case. Goes also where it has no value: axios would give it that of one which is set later.
 */
export function headersWithout(header: string, headers: AxiosHeaders): AxiosHeaders {
  const copy = new AxiosHeaders();
  for (const name of Object.keys(headers)) if (!isNamed(name, header)) copy[name] = headers[name];
  return copy;
}

/** Takes a header, named in lower case, off those of one hop of a redirect. */
export function removeHeader(header: string, headers: Record<string, unknown>): void {
  for (const name of Object.keys(headers)) if (isNamed(name, header)) delete headers[name];
}

function isNamed(name: string, header: string): boolean {
  return name.length === header.length && name.toLowerCase() === header;
}
