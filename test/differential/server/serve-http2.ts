import {
  constants,
  type IncomingHttpHeaders,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Connection } from './connection.js';
import type { ReceivedRequest } from './received-request.js';
import type { Run } from './run.js';
import { writeHttp2Answer } from './write-http2-answer.js';

const open = new Set<ServerHttp2Session>();

/** Closes all sessions, each after its last stream: a client may keep one that it does not need any more. */
export function closeSessions(): void {
  for (const session of open) session.close();
}

/**
 * Serves HTTP/2 with Node's own session: its bytes depend on all that was sent before on the connection, so what they say is written
 * down in their place. A request is the text of its header list, pseudo-headers included, in the order of their arrival.
 */
export function serveHttp2(connection: Connection, run: Run): void {
  const session = performServerHandshake(connection.socket);
  open.add(session);
  session.once('close', () => open.delete(session));
  session.on('error', () => {});
  // The types know this event with three arguments only.
  session.on('stream', ((stream: ServerHttp2Stream, headers: IncomingHttpHeaders, flags: number, raw: string[]) => {
    serveStream(connection, run, stream, headers, textOf(headers, flags, raw));
  }) as never);
}

function serveStream(
  connection: Connection,
  run: Run,
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  head: string,
): void {
  const text = { head, body: '' };
  let request: ReceivedRequest | undefined;
  const receive = (isWhole: boolean) => {
    const received = run.receive(connection.socket, connection.at, text, isWhole);
    request = received.request;
    if (isWhole && received.answer !== undefined) {
      void writeHttp2Answer(connection, stream, received.answer, String(headers[':method']));
    }
  };
  let hasEnded = false;
  stream.on('error', () => {});
  stream.on('data', (chunk: Buffer) => {
    text.body += chunk.toString('latin1');
  });
  stream.once('end', () => {
    // A stream that is reset ends too.
    hasEnded = !stream.aborted;
    if (request === undefined && hasEnded) receive(true);
  });
  stream.once('close', () => {
    if (request === undefined) receive(false);
    Object.assign(request!, { body: text.body, isWhole: hasEnded });
    if (stream.rstCode !== constants.NGHTTP2_NO_ERROR) request!.resetCode = stream.rstCode;
  });
  if (run.answersEarly) receive(true);
  if (/^100-continue$/i.test(headers.expect ?? '')) stream.additionalHeaders({ ':status': 100 });
}

function textOf(headers: IncomingHttpHeaders, flags: number, raw: readonly string[]): string {
  const endsStream = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
  const lines = [`${headers[':method']} ${headers[':path']} HTTP/2${endsStream ? ' END_STREAM' : ''}`];
  for (let at = 0; at < raw.length; at += 2) lines.push(`${raw[at]}: ${raw[at + 1]}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
}
