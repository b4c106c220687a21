import {
  differInSending,
  isOfCheck,
  mayEndWait,
  NOT_SENT,
  SENDING,
  SENDING_ONE_AFTER_THE_OTHER,
} from '../kinds-of-difference.js';
import { hasOwnHeader } from '../own-header.js';
import type { IntendedDifference } from './intended-difference.js';

/** Meant to be, of several clients of any kind, and of the smaller ones. */
export const OF_SEVERAL: readonly IntendedDifference[] = [
  {
    clients: 'all',
    what: 'With a token that must be waited for, events come in another order, and another connection may be free',
    why: 'The request is sent in a later turn. A source with `peekToken` has its token at hand, except at the start and after its expiry.',
    covers: ({ where, isOrderOnly = false }, { token, requests, answers }) =>
      token === 'awaited' &&
      (isOrderOnly ||
        where === 'received connection' ||
        /^seen request (reusedSocket|details destroyed)$/.test(where) ||
        (requests + answers.length > 2 && / socket bytes(Written|Read)$/.test(where))),
  },
  {
    clients: 'all',
    what: 'A request that is aborted while its token is waited for is not sent',
    why: 'The bare client would have sent it before the abort. Without a token there is nothing to send.',
    covers: (difference, scenario, client) =>
      mayEndWait(scenario, client) &&
      (NOT_SENT.test(difference.where) ||
        (scenario.requests > 1 && /^received (order: |head$)/.test(difference.where)) ||
        differInSending(difference, scenario.requests > 1 ? SENDING_ONE_AFTER_THE_OTHER : SENDING)),
  },
  {
    clients: 'undici, fetch, axios and got',
    what: 'A request that is aborted while its token is waited for is rejected as aborted even if the client would not have sent it',
    why: 'The client checks a request, its headers among other things, when it sends it.',
    covers: ({ where, bare }, scenario, client) =>
      mayEndWait(scenario, client) &&
      // A pool of undici may hang after requests that it rejected.
      ((/^seen (rejected|error|onRequestError|beforeRetry) details(:|$)/.test(where) && isOfCheck(bare)) ||
        where === 'seen error interceptor details message' ||
        /^seen order: (hangs \/ rejected|another error \/ .*|request interceptor \/ error)$/.test(where)),
  },
  {
    clients: '@kubernetes/client-node',
    what: 'After a refusal at a later hop of a redirect, redirects are counted anew, and an error names the URL without its fragment',
    why: 'The client gets a request of its own for the hop that refused the token: what the hops before did must not be done twice.',
    covers: ({ where, bare, wrapped }, { refusedAt = 0, answers }, client) => {
      if (client !== '@kubernetes/client-node' || refusedAt === 0) return false;
      const isEndless = answers.at(-1)?.location !== undefined;
      if (!/^seen error details(:| message$)/.test(where))
        return isEndless && where.startsWith('received order: the end / ');
      const [message, other] = [bare, wrapped].map((error) => String(Object(error).message ?? error));
      const isLimit = [message, other].every((text) => text?.startsWith('maximum redirect reached at: '));
      return (isEndless && isLimit) || message?.replace(/#\w+/, '') === other;
    },
  },
  {
    clients: '@grpc/grpc-js',
    what: 'A call fails with `INTERNAL` if its metadata has an `authorization` of its own; by another header, both values go to the server',
    why: 'gRPC does not show the metadata of a call to call credentials, and fails a call with two values of `authorization`.',
    covers: (_difference, scenario, client) => client === '@grpc/grpc-js' && hasOwnHeader(scenario),
  },
];
