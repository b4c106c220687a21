import { sendsByUndici } from '../kinds-of-difference.js';
import { isOneShot } from '../make-body.js';
import type { IntendedDifference } from './intended-difference.js';

/** Meant to be, of undici, of Node's fetch, and of what sends by them. */
export const OF_UNDICI_AND_FETCH: readonly IntendedDifference[] = [
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
    clients: 'fetch and undici, what sends by them, and got',
    what: 'After a refusal over HTTP/2, an answer that is broken gives another `SocketError`, the server may see no reset, and a request is sent where it would have waited for ever',
    why: 'The refusal came by the same session, so that the client notices otherwise that this breaks.',
    covers: ({ where }, scenario, client) =>
      (sendsByUndici(client, scenario) || (client === 'got' && where === 'received keys')) &&
      scenario.refusedAt !== undefined &&
      scenario.transport.offersHttp2 &&
      scenario.answers.some(({ fault }) => fault !== undefined) &&
      /^seen order: hangs \/ |^received (keys$|order: the end \/ )|"other side closed" \/ SocketError .*GOAWAY/.test(
        where,
      ),
  },
];
