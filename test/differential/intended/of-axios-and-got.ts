import { differInSending, isOfCancellation, NOT_SENT } from '../kinds-of-difference.js';
import type { IntendedDifference } from './intended-difference.js';

/** Meant to be, of axios and got. */
export const OF_AXIOS_AND_GOT: readonly IntendedDifference[] = [
  {
    clients: 'axios and got',
    what: 'After a refusal, a server reads what is left of a body that is longer than its `Content-Length` once more, and answers it',
    why: 'The server takes it for another request, and the body is sent with each attempt.',
    covers: ({ where }, { refusedAt, headers }, client) =>
      ['axios', 'got'].includes(client) &&
      refusedAt !== undefined &&
      /^(received order: |seen (request|beforeRedirect) details)/.test(where) &&
      headers?.entries.some(([name]) => name === 'Content-Length') === true,
  },
  {
    clients: 'axios',
    what: '`config.adapter` of a response or an error is a function',
    why: 'It carries the token, so that a program that sends a request again by its configuration sends the token too.',
    covers: ({ where }) => where === 'seen config details adapter',
  },
  {
    clients: 'axios',
    what: 'A header of the name that carries the token, with the value `undefined`, does not keep the token back',
    why: 'To axios such a header is not there. `null` and `false` do keep it back.',
    covers: ({ where }, { headers }) =>
      where === 'received token' &&
      headers?.entries.some(([name, value]) => name.toLowerCase() === 'authorization' && value === undefined) === true,
  },
  {
    clients: 'got',
    what: 'After a refusal, hooks and events see one retry more, and redirects are counted anew',
    why: 'got sends a request again by a retry of its own, counts redirects anew at each, and tells hooks so that a program can log it.',
    covers: ({ where }, { refusedAt, answers, options }, client) => {
      if (client !== 'got' || refusedAt === undefined) return false;
      const { members, hooks } = options as { members: { maxRedirects?: number }; hooks?: string };
      const { maxRedirects = 10 } = members;
      const hops = answers.at(-1)?.location === undefined ? answers.length - 1 : Number.POSITIVE_INFINITY;
      const isPastLimit = refusedAt > 0 && hops > maxRedirects;
      if (where.startsWith('received order: the end / ')) return isPastLimit;
      // The wrapped client comes to what lies beyond.
      if (isPastLimit && /^(received order: |seen (parts of )?error details)/.test(where)) return true;
      // A hook of the program ends the request at the refusal.
      if (/^received order: .* \/ the end$/.test(where)) return hooks === 'throw';
      return /^seen (order|response|afterResponse|options|event downloadProgress)\b/.test(where);
    },
  },
  {
    clients: 'got',
    what: 'The next hop of a redirect may come on a connection that is open already',
    why: 'got waits for each of its hooks, also for one that has nothing to wait for. By then the connection of the last hop is free.',
    covers: ({ where }, _scenario, client) => client === 'got' && where === 'received connection',
  },
  {
    clients: 'got',
    what: 'A request that is aborted in a microtask after the call may not have been made by then',
    why: 'got waits for each of its hooks, also for one that has nothing to wait for.',
    covers: (difference, { abort }, client) =>
      client === 'got' &&
      abort?.moment === 'in a microtask' &&
      (NOT_SENT.test(difference.where) || differInSending(difference)),
  },
  {
    clients: 'axios',
    what: 'After a refusal, `request.reusedSocket` can be `true`, and `request.destroyed` still be `false`',
    why: 'The retry uses the connection on which the server refused the token, where the answer may come in one piece.',
    covers: ({ where }, { refusedAt }) =>
      refusedAt !== undefined && /^seen request (details )?(reusedSocket|destroyed)$/.test(where),
  },
  {
    clients: 'axios',
    what: 'After a refusal at a later hop of a redirect, what `beforeRedirect` gets at the next one lacks the fragment of the last URL, and has its keys in another order',
    why: 'axios begins a request of its own at the hop that refused the token, and leaves out fragments.',
    covers: ({ where }, { refusedAt = 0 }) =>
      refusedAt > 0 && /^seen (keys of beforeRedirect details|beforeRedirect details request url)/.test(where),
  },
  {
    clients: 'axios',
    what: 'After a refusal at a hop of another origin, the option `auth` does not come back when a redirect leads to the first origin again',
    why: 'axios begins a request of its own at the hop that refused the token, and restores `auth` for the origin at which a request began.',
    covers: ({ where }, { refusedAt = 0, answers, options }) =>
      refusedAt > 0 &&
      answers.length > 2 &&
      (options as { members?: { auth?: unknown } }).members?.auth !== undefined &&
      /^(received head|seen (request details headers keys|beforeRedirect details auth))$/.test(where),
  },
  {
    clients: 'axios',
    what: 'An error comes a microtask later: an abort in that moment comes first; with its fetch adapter, a report of progress too',
    why: 'The error shows the configuration that was sent, and is given that of the program.',
    covers: ({ where, isOrderOnly = false }, { options, abort }) =>
      (abort?.moment === 'in a microtask' && isOfCancellation(where)) ||
      ((options as { adapter?: string }).adapter === 'fetch' &&
        isOrderOnly &&
        /^seen order: .*(up|down)load progress/.test(where)),
  },
  {
    clients: 'axios-cache-interceptor attached after wrapping',
    what: 'An interceptor that sends a failed request again gets an answer, where it would wait for ever',
    why: 'It was attached before wrapping, and sends by the instance that it knows, which has no cache. With the cache, it waits for the request that it is part of.',
    covers: ({ where }, { options }, client) =>
      client === 'axios-cache-interceptor attached after wrapping' &&
      (options as { interceptor?: string }).interceptor === 'sends again' &&
      /^(seen order: hangs \/ request interceptor|received order: the end \/ .*)$/.test(where),
  },
];
