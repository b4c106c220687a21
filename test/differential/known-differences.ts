import type { IntendedDifference } from './intended-differences.js';

/** Differences that are not meant to be and not fixed yet: the report shows them, and no run fails because of them. */
export const KNOWN_DIFFERENCES: readonly IntendedDifference[] = [
  {
    clients: 'msw, nock',
    what: 'A fetch that is not that of Node gets `duplex: "half"` in the place of a value that it would reject',
    why: 'The request is made anew for it.',
    covers: ({ where }, { options }, client) =>
      / under fetch$/.test(client) &&
      (options as { init?: { duplex?: string } }).init?.duplex === 'full' &&
      /^seen (order: rejected|rejected)/.test(where),
  },
  {
    clients: 'got',
    what: 'A form that is sent again has its headers in another order',
    why: 'got makes the form anew.',
    covers: ({ where }, { refusedAt, body }, client) =>
      client === 'got' && refusedAt !== undefined && body.startsWith('FormData') && where.startsWith('received '),
  },
  {
    clients: 'got',
    what: "The retry of a rejected token counts as one of got's own",
    why: 'It is made by a retry of got.',
    covers: ({ where }, { refusedAt, options }, client) =>
      client === 'got' &&
      refusedAt !== undefined &&
      (options as { retries?: number }).retries !== 0 &&
      /^received order: [\w.-]+ \/ the end$/.test(where),
  },
  {
    clients: 'undici',
    what: '`onResponseError` gets a controller for a request that undici rejects at once',
    why: 'undici gives none.',
    covers: ({ where }) => /^seen onResponseError details (aborted|reason)$/.test(where),
  },
  {
    clients: 'undici',
    what: 'A request with `maxRedirections` is rejected by other means',
    why: 'Redirects beneath the token are turned off.',
    covers: ({ where }, { options }) =>
      (options as { members?: object }).members !== undefined &&
      'maxRedirections' in (options as { members: object }).members &&
      /^seen (dispatch gives|rejected|onResponseError|order)/.test(where),
  },
  {
    clients: 'undici',
    what: 'At a `destroy` in the turn of the call, the handler hears of the error before the diagnostics channel',
    why: 'The handler of the token is told first.',
    covers: ({ where }) => where === 'seen order: undici:request:error / onResponseError',
  },
  {
    clients: 'undici',
    what: 'A header named `__proto__` is not sent',
    why: 'It is assigned, not defined.',
    covers: ({ where }, { headers }) =>
      headers?.entries.some(([name]) => name === '__proto__') === true && where === 'received head',
  },
  {
    clients: 'undici',
    what: 'A request with its own `Host` goes without the token',
    why: 'The header counts as where it goes.',
    covers: ({ where }, { headers }) =>
      headers?.entries.some(([name]) => name.toLowerCase() === 'host') === true && where === 'received token',
  },
];
