import type { Difference } from './differences.js';
import {
  CONNECTION,
  closingOf,
  differInMomentOf,
  differInSending,
  endsOtherwiseByDump,
  isOfCancellation,
  isOfCheck,
  isSentByHand,
  mayEndWait,
  NOT_SENT,
  SENDING,
  SENDING_ONE_AFTER_THE_OTHER,
  seenBesides,
  sendsByUndici,
  sortedLines,
} from './kinds-of-difference.js';
import { isOneShot } from './make-body.js';
import { hasOwnHeader } from './own-header.js';
import type { Scenario } from './scenario.js';

/** A difference that is meant to be. docs/differential.md shows these, word for word. */
export interface IntendedDifference {
  /** Of which clients, as the documentation names them. */
  readonly clients: string;
  readonly what: string;
  readonly why: string;
  /** Whether a difference is this one. */
  covers(difference: Difference, scenario: Scenario, client: string): boolean;
}

/** All of them. */
export const INTENDED_DIFFERENCES: readonly IntendedDifference[] = [
  {
    clients: 'fetch and undici, and what sends by them',
    what: '`socket.bytesWritten` of a `SocketError` is larger; after a refusal it is another number, and so is `socket.bytesRead`',
    why: 'They count all bytes of the connection, those of the token and of the refusal too. And the retry may be on a connection of its own.',
    covers: ({ where, bare, wrapped }, { refusedAt }) =>
      (where.endsWith(' socket bytesWritten') && (refusedAt !== undefined || Number(wrapped) > Number(bare))) ||
      (refusedAt !== undefined && where.endsWith(' socket bytesRead')),
  },
  {
    clients: 'fetch and undici, and what sends by them',
    what: 'After a refusal that is handed on, the next request may come on another connection, and a `SocketError` then has the byte counts of that one',
    why: 'The refusal is held back until the source has said whether it has another token. So its connection is free later.',
    covers: ({ where }, scenario, client) =>
      sendsByUndici(client, scenario) &&
      (scenario.refusedAt !== undefined || scenario.answers.some(({ status }) => status === 401)) &&
      (where === 'received connection' || / socket bytes(Read|Written)$/.test(where)),
  },
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
    what: 'After a refusal, the mock is asked again once the call has returned',
    why: 'The source is asked for another token in between.',
    covers: ({ where }, { refusedAt }, client) =>
      client === 'MockAgent' && refusedAt !== undefined && where === 'seen order: intercepted / returned',
  },
  {
    clients: 'functions like fetch that are not that of Node',
    what: 'Headers that are none are rejected with the error of `Headers`, and before what is wrong otherwise; redirects are followed by the Fetch standard, and a response after one has own properties',
    why: 'Headers are looked at before they are sent, since a function that is not that of Node might send them. Redirects are followed by this library; msw sends a `GET` after a `HEAD`, or no body a second time.',
    covers: ({ where }, { answers }, client) =>
      / under fetch$/.test(client) &&
      (/^seen rejected details: TypeError .* \/ TypeError \(undefined\) "Headers/.test(where) ||
        answers.some(({ location }) => location !== undefined)),
  },
  {
    clients: 'fetch, and what sends by it',
    what: 'A request whose header `Content-Length` is less than its body is rejected, where fetch may wait forever',
    why: 'fetch stops reading the body at that length, and may then wait for the end of its stream.',
    covers: ({ where, wrapped }, { headers }) =>
      /^seen (order: (hangs|upload progress) \/ |(error|rejected|onRequestError) details)/.test(where) &&
      headers?.entries.some(([name]) => name === 'Content-Length') === true &&
      /"UND_ERR_REQ_CONTENT_LENGTH_MISMATCH"|"Network Error"/.test(JSON.stringify(wrapped)),
  },
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
    clients: 'fetch',
    what: 'The function has no `prototype`',
    why: 'Node 20 made its `fetch` so that `new fetch()` is possible by mistake; newer lines of Node do not.',
    covers: ({ where }, _scenario, client) => client === 'fetch' && where === 'seen function details keys keys',
  },
  {
    clients: 'fetch',
    what: 'Members of the init that are getters are read in another order, each once',
    why: 'They are read before fetch reads them, because the URL and the headers decide about the token.',
    covers: ({ where }, { options }) =>
      (options as { watchesInit?: boolean }).watchesInit === true &&
      /^seen order: (init \w+ is read|returned) \/ init \w+ is read$/.test(where),
  },
  {
    clients: 'fetch, and what sends a `Request` by it',
    what: 'From Node 24 on, a request given as a `Request` has its header names in lower case and in another order, and its response has own properties',
    why: 'From Node 24 on nothing tells whether a `Request` has a dispatcher of its own, which must not be lost. So it is sent by hand.',
    covers: ({ where, bare, wrapped }, scenario, client) =>
      isSentByHand(client, scenario) &&
      (where === 'seen response details own keys' ||
        (where === 'received head' && sortedLines(bare) === sortedLines(wrapped))),
  },
  {
    clients: 'fetch, and what sends a `Request` by it',
    what: 'From Node 24 on, at redirects of a `Request`: `integrity` is checked at each hop, the body of a stream is sent again, and another connection may be used',
    why: 'It is sent by hand, see above. Nothing tells whether the body of a `Request` was a stream, and `integrity` can be checked by fetch only.',
    covers: ({ where }, scenario, client) => {
      const { init, members = init } = scenario.options as Record<
        'init' | 'members',
        { integrity?: string } | undefined
      >;
      const isRedirected = scenario.answers.some(({ location }) => location !== undefined);
      return (
        isSentByHand(client, scenario) &&
        isRedirected &&
        (isOneShot(scenario.body) ||
          members?.integrity !== undefined ||
          where === 'received connection' ||
          / socket bytes(Written|Read)$/.test(where))
      );
    },
  },
  {
    clients: 'fetch, and what sends a `Request` by it',
    what: 'From Node 24 on, a `Request` whose body fails while the token is waited for is not sent',
    why: 'It is sent by hand, see above: its body is read from the call on, so that it can be sent again.',
    covers: (difference, scenario, client) =>
      isSentByHand(client, scenario) &&
      scenario.token === 'awaited' &&
      scenario.body.startsWith('failing') &&
      NOT_SENT.test(difference.where),
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
    clients: 'fetch and undici, and what sends by them',
    what: 'With a token that must be waited for, a request over HTTP/2 after one whose body failed, or after a GOAWAY, may get to the server',
    why: 'undici makes another session then. Without the wait, the next request fails before that is there.',
    covers: ({ where }, scenario, client) => {
      const goesAway = scenario.answers.some((answer) => answer.goesAway);
      const isMissing = where.startsWith('received order: the end / ') && (goesAway || isOneShot(scenario.body));
      return (
        sendsByUndici(client, scenario) &&
        scenario.token === 'awaited' &&
        scenario.transport.offersHttp2 &&
        (isMissing || (goesAway && where.startsWith('seen order: undici:')))
      );
    },
  },
  {
    clients: 'fetch and undici, what sends by them, and got',
    what: 'A refusal over HTTP/2 that breaks is an error, where undici may wait forever, and got shows the refusal',
    why: 'The refusal is held back until the source has said whether it has another token. By then it is known to have broken.',
    covers: ({ where }, scenario, client) =>
      scenario.transport.offersHttp2 &&
      scenario.answers.some(({ status }) => status === 401) &&
      (client === 'got'
        ? /^seen error details: HTTPError .* \/ RequestError ERR_HTTP2_STREAM_ERROR /.test(where)
        : sendsByUndici(client, scenario) && where.startsWith('seen order: hangs / ')),
  },
  {
    clients: 'fetch and undici, and what sends by them',
    what: 'After a refusal over HTTP/2, an answer that is broken gives another `SocketError`, and a request is sent where it would have waited for ever',
    why: 'The refusal came by the same session, so that undici notices otherwise that this breaks.',
    covers: ({ where }, scenario, client) =>
      sendsByUndici(client, scenario) &&
      scenario.refusedAt !== undefined &&
      scenario.transport.offersHttp2 &&
      scenario.answers.some(({ fault }) => fault !== undefined) &&
      /^seen order: hangs \/ |^received order: the end \/ |"other side closed" \/ SocketError .*GOAWAY/.test(where),
  },
  {
    clients: 'all',
    what: 'A request that is aborted while its token is waited for is not sent',
    why: 'The bare client would have sent it before the abort. Without a token there is nothing to send.',
    covers: (difference, scenario, client) =>
      mayEndWait(scenario, client) &&
      (NOT_SENT.test(difference.where) ||
        (scenario.requests > 1 && difference.where.startsWith('received order: ')) ||
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
        /^seen order: (hangs \/ rejected|another error \/ .*)$/.test(where)),
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
    what: 'A graceful close waits for a request whose token is waited for, and ends at another moment if that is not sent',
    why: 'undici checks a request when it is sent. Until then nothing tells whether there will be a response to wait for.',
    covers: ({ where, bare, wrapped }, scenario) => {
      const ends = (list: unknown) => seenBesides(CONNECTION, list).map((kind) => kind.replace(/^close .*/, 'close'));
      return (
        scenario.token === 'awaited' &&
        closingOf(scenario) === 'close in the same turn' &&
        /^seen order: (rejected|close) /.test(where) &&
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
        / \/ close fails$/.test(difference.where) ||
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
    what: 'A request with the option `maxRedirections` is rejected before undici checks its other options',
    why: 'A redirect interceptor beneath the token would follow with it to any origin. undici itself rejects this option too.',
    covers: ({ where }, { options }) =>
      'maxRedirections' in ((options as { members?: object }).members ?? {}) &&
      /^seen (dispatch gives|rejected|onResponseError|order)/.test(where),
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
    what: 'After a refusal, `request.reusedSocket` can be `true`',
    why: 'The retry uses the connection on which the server refused the token.',
    covers: ({ where }, { refusedAt }) =>
      refusedAt !== undefined && where.replace(' details', '') === 'seen request reusedSocket',
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
    clients: 'fetch and what sends by it',
    what: 'After a refusal, the stream of a `Request` is sent again with its length instead of in chunks',
    why: 'What was kept of it is in memory, so its length is known. The server gets the same bytes.',
    covers: ({ where, bare, wrapped }) =>
      where === 'received at the retry' &&
      /^transfer-encoding: chunked/im.test(String(bare)) &&
      /^content-length: /im.test(String(wrapped)),
  },
  {
    clients: '@grpc/grpc-js',
    what: 'A call fails with `INTERNAL` if its metadata has an `authorization` of its own; by another header, both values go to the server',
    why: 'gRPC does not show the metadata of a call to call credentials, and fails a call with two values of `authorization`.',
    covers: (_difference, scenario, client) => client === '@grpc/grpc-js' && hasOwnHeader(scenario),
  },
];

/** Which of these differences it is, if it is one. */
export function differenceIn(
  list: readonly IntendedDifference[],
  client: string,
  difference: Difference,
  scenario: Scenario,
): IntendedDifference | undefined {
  return list.find((intended) => intended.covers(difference, scenario, client));
}
