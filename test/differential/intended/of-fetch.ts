import { isSentByHand, NOT_SENT, sortedLines } from '../kinds-of-difference.js';
import { isOneShot } from '../make-body.js';
import type { IntendedDifference } from './intended-difference.js';

/** Meant to be, of fetch, and of what sends by it. */
export const OF_FETCH: readonly IntendedDifference[] = [
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
    clients: 'fetch and what sends by it',
    what: 'After a refusal, the stream of a `Request` is sent again with its length instead of in chunks',
    why: 'What was kept of it is in memory, so its length is known. The server gets the same bytes.',
    covers: ({ where, bare, wrapped }) =>
      where === 'received at the retry' &&
      /^transfer-encoding: chunked/im.test(String(bare)) &&
      /^content-length: /im.test(String(wrapped)),
  },
];
