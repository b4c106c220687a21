import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { setTimeout as delay } from 'node:timers/promises';
import type { AnswerFault } from '../scenario.js';
import type { Connection } from './connection.js';
import { mayHaveBody, type PlainAnswer, READ_MS } from './write-answer.js';

const { NGHTTP2_REFUSED_STREAM, NGHTTP2_INTERNAL_ERROR, NGHTTP2_ENHANCE_YOUR_CALM } = constants;

/** Fields of a connection, which HTTP/2 does not have (RFC 9113 section 8.2.2). */
const OF_CONNECTION = ['connection', 'keep-alive'];

/** Fields that a message has once only; more than one value of others would be an error in the answer itself. */
const REPEATABLE = ['set-cookie', 'link', 'www-authenticate'];

/**
 * Answers a request of HTTP/2, or fails to. What goes wrong is what HTTP/2 has in the place of each fault of HTTP/1.1: the connection
 * breaks off or is taken down by GOAWAY, the stream is refused or reset. An answer that ends with its connection comes with the
 * GOAWAY of a graceful shutdown.
 */
export async function writeHttp2Answer(
  connection: Connection,
  stream: ServerHttp2Stream,
  answer: PlainAnswer,
  method: string,
): Promise<void> {
  const { fault } = answer;
  // The program may have ended it meanwhile.
  if (stream.destroyed || stream.closed || fault === 'silence') return;
  const { session } = stream;
  if (fault === 'reset') return connection.reset();
  if (fault === 'end') return session?.destroy();
  if (fault === 'garbage') return session?.destroy(undefined, NGHTTP2_ENHANCE_YOUR_CALM);
  if (fault === 'half a head') return stream.close(NGHTTP2_REFUSED_STREAM);
  // Before the answer: whether a client hears of it before it sends on this connection again is no matter of chance then.
  if (answer.goesAway && fault === undefined) session?.goaway();
  if (answer.hints) stream.additionalHeaders({ ':status': 103, link: '</style.css>; rel=preload' });
  const trailers = answer.trailers ?? [];
  const bytes = Buffer.from(mayHaveBody(answer, method) ? answer.body : '', 'latin1');
  const isEmpty = fault === undefined && bytes.length === 0 && trailers.length === 0;
  stream.respond(headersOf(answer), {
    endStream: isEmpty,
    waitForTrailers: trailers.length > 0,
    sendDate: false,
  } as never);
  if (fault !== undefined) return breakOff(connection, stream, bytes.subarray(0, 8), fault);
  stream.once('wantTrailers', () => stream.sendTrailers(asObject(trailers)));
  if (!isEmpty) {
    // In two frames, as chunks would be.
    if (answer.framing === 'chunked' && bytes.length > 5) stream.write(bytes.subarray(0, 5));
    stream.end(answer.framing === 'chunked' && bytes.length > 5 ? bytes.subarray(5) : bytes);
  }
  if (answer.goesAway) session?.close();
}

async function breakOff(
  connection: Connection,
  stream: ServerHttp2Stream,
  bytes: Buffer,
  fault: AnswerFault,
): Promise<void> {
  if (bytes.length > 0) stream.write(bytes);
  if (fault === 'half a body, then silence') return;
  await delay(READ_MS);
  if (fault === 'half a body, then reset') stream.close(NGHTTP2_INTERNAL_ERROR);
  else connection.socket.end();
}

function headersOf({ status, headers, body, framing, fault }: PlainAnswer): OutgoingHttpHeaders {
  const length = framing === 'length' ? { 'content-length': body.length + (fault === undefined ? 0 : 20) } : {};
  return { ':status': status, ...asObject(headers), ...length };
}

function asObject(entries: PlainAnswer['headers']): OutgoingHttpHeaders {
  const fields: Record<string, string | string[]> = {};
  for (const [given, value] of entries) {
    const name = given.toLowerCase();
    if (OF_CONNECTION.includes(name)) continue;
    fields[name] = REPEATABLE.includes(name) ? [...(fields[name] ?? []), value] : value;
  }
  return fields;
}
