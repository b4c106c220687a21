/** Members of `RequestInit`; a `Request`, which may stand in its place, has them as getters that a spread would not see. */
export const INIT_MEMBERS = [
  'method',
  'headers',
  'body',
  'mode',
  'credentials',
  'cache',
  'redirect',
  'referrer',
  'referrerPolicy',
  'integrity',
  'keepalive',
  'signal',
  'window',
  'duplex',
  'dispatcher',
] as const;
