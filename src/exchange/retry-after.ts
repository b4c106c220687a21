/**
 * Returns the delay of a header `Retry-After` in milliseconds; undefined if there is no valid one.
 *
 * @param value - seconds, or an HTTP date (RFC 9110 section 10.2.3)
 */
export function retryAfterMs(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  const atMs = Date.parse(value);
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - Date.now());
}
