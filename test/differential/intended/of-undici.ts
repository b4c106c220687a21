import {
  CONNECTION,
  closingOf,
  differInMomentOf,
  differInSending,
  endsOtherwiseByDump,
  isOfCheck,
  mayEndWait,
  SENDING,
  seenBesides,
} from '../kinds-of-difference.js';
import type { IntendedDifference } from './intended-difference.js';

/** Meant to be, of the dispatchers of undici. */
export const OF_UNDICI: readonly IntendedDifference[] = [
  {
    clients: 'ProxyAgent',
    what: 'After a refusal, or with a token that must be waited for, there is a tunnel more or less',
    why: 'The request comes at another moment, when another connection is free.',
    covers: ({ where }, { refusedAt, token }, client) =>
      client === 'ProxyAgent' &&
      (refusedAt !== undefined || token === 'awaited') &&
      /^seen order: .*tunnel/.test(where),
  },
  {
    clients: 'MockAgent',
    what: 'A request that is aborted while its token is waited for gets no response',
    why: 'A mock answers in the turn of the call, before the abort.',
    covers: ({ where }, scenario, client) =>
      client === 'MockAgent' && mayEndWait(scenario, client) && where === 'seen order: intercepted / returned',
  },
  {
    clients: 'MockAgent',
    what: 'After a refusal, the mock is asked again once the call has returned',
    why: 'The source is asked for another token in between.',
    covers: ({ where }, { refusedAt }, client) =>
      client === 'MockAgent' && refusedAt !== undefined && where === 'seen order: intercepted / returned',
  },
  {
    clients: 'undici',
    what: 'A dispatcher that is destroyed while the token is waited for rejects the request before undici checks it; of an abort and the destroy, the first counts',
    why: 'undici checks a request, and its signal, when it is sent, and nothing is sent by then.',
    covers: (difference, scenario) =>
      scenario.token === 'awaited' &&
      closingOf(scenario) === 'destroy in the same turn' &&
      ((difference.where.startsWith('seen rejected details') &&
        (isOfCheck(difference.bare) || mayEndWait(scenario, 'undici'))) ||
        differInSending(difference)),
  },
  {
    clients: 'undici',
    what: 'With a token that must be waited for, `onRequestStart` comes before undici checks the request, and before an abort',
    why: 'The handler gets its controller at once, so that it can abort the wait. undici checks the request when it is sent.',
    covers: (difference, scenario, client) =>
      client === 'undici' &&
      scenario.token === 'awaited' &&
      (/^seen (order: (onResponseError|undici:request:create) \/ onRequestStart|onResponseError (aborted|reason))/.test(
        difference.where.replace(' details', ''),
      ) ||
        difference.where === 'seen order: dispatch gives / onRequestStart' ||
        (mayEndWait(scenario, client) && endsOtherwiseByDump(difference, scenario))),
  },
  {
    clients: 'undici',
    what: 'With a token that must be waited for, a pipeline of `HEAD` over HTTP/2 is answered where undici fails it with `ERR_STREAM_WRITE_AFTER_END`',
    why: 'undici writes the body of `HEAD` to a stream that it has ended. Whether that fails depends on the moment at which the request is sent.',
    covers: (_difference, { token, transport, method, options }, client) =>
      client === 'undici' &&
      token === 'awaited' &&
      transport.offersHttp2 &&
      method === 'HEAD' &&
      (options as { call?: string }).call === 'pipeline',
  },
  {
    clients: 'undici',
    what: 'After a `CONNECT`, the second of two graceful closes may fail with `ClientDestroyedError`',
    why: 'The first waits until the `CONNECT` cannot be refused any more, and comes to its end in that turn. undici rejects a close in the moment before the end of another.',
    covers: ({ where }, scenario, client) =>
      client === 'undici' &&
      scenario.method === 'CONNECT' &&
      scenario.requests > 1 &&
      closingOf(scenario) === 'close in the same turn' &&
      / \/ close fails$/.test(where),
  },
  {
    clients: 'undici',
    what: 'A graceful close waits for a request whose token is waited for, and ends at another moment if that is not sent',
    why: 'undici checks a request when it is sent. Until then nothing tells whether there will be a response to wait for.',
    covers: ({ where, bare, wrapped }, scenario) => {
      const ends = (list: unknown) => seenBesides(SENDING, list).map((kind) => kind.replace(/^close .*/, 'close'));
      return (
        scenario.token === 'awaited' &&
        closingOf(scenario) === 'close in the same turn' &&
        where.startsWith('seen order: ') &&
        ends(bare).sort().join() === ends(wrapped).sort().join()
      );
    },
  },
  {
    clients: 'undici',
    what: 'While a graceful close waits, undici still emits `drain`, and keeps connections',
    why: 'undici is told of the close once no request under way can be refused any more: it would reject the retry.',
    covers: (difference, scenario, client) =>
      client === 'undici' && closingOf(scenario) !== undefined && differInMomentOf(CONNECTION, difference),
  },
  {
    clients: 'undici',
    what: 'After a refusal, a graceful close ends at another moment, and the next request or close meets a client that is closed already',
    why: 'The retry may come on a connection of its own, and the close waits for the one of the refusal too.',
    covers: (difference, scenario) =>
      scenario.refusedAt !== undefined &&
      closingOf(scenario) !== undefined &&
      (differInMomentOf(/^close is done$/, difference) ||
        / \/ close fails$|^seen order: the end \/ close is done$/.test(difference.where) ||
        /^seen rejected details: ClientClosedError .* \/ ClientDestroyedError /.test(difference.where)),
  },
  {
    clients: 'undici',
    what: 'A refusal that is handed on comes later than what undici tells of its connection',
    why: 'The source is asked for another token first.',
    covers: (difference, { answers, options }, client) =>
      client === 'undici' &&
      answers.some(({ status }) => status === 401) &&
      (differInSending(difference) ||
        ((options as { isParallel?: boolean }).isParallel === true && difference.isOrderOnly === true)),
  },
  {
    clients: 'undici',
    what: 'After a refusal, `dispatch` may find a connection free, or busy, where it did not',
    why: 'The retry was on a connection of its own, or made the first one free later.',
    covers: ({ where }, { refusedAt }, client) =>
      client === 'undici' &&
      refusedAt !== undefined &&
      /^seen (dispatch gives details|order: (onRequestStart \/ dispatch gives|dispatch gives \/ onRequestStart))$/.test(
        where,
      ),
  },
  {
    clients: 'undici',
    what: 'A request with the option `maxRedirections` is rejected before undici checks its other options',
    why: 'A redirect interceptor beneath the token would follow with it to any origin. undici itself rejects this option too.',
    covers: ({ where }, { options }) =>
      'maxRedirections' in ((options as { members?: object }).members ?? {}) &&
      /^seen (dispatch gives|rejected|onResponseError|order)/.test(where),
  },
];
