import { setTimeout as delay } from 'node:timers/promises';
import type { Answer } from '../scenario.js';
import type { Connection } from './connection.js';

/**
 * Long enough for a client on this machine, busy as it may be, to read what was written before the connection breaks. What it gets
 * together with a reset, Node takes for the end of the connection.
 */
export const READ_MS = 20;

/** An answer whose `Location` is written out. */
export type PlainAnswer = Omit<Answer, 'location'>;

/** Answers a request, or fails to. */
export async function writeAnswer(connection: Connection, answer: PlainAnswer, method: string): Promise<void> {
  const { socket } = connection;
  const { fault } = answer;
  if (fault === 'silence') return;
  if (fault === 'reset') return connection.reset();
  if (fault === 'end') return void socket.end();
  if (fault === 'garbage') return void socket.end('SSH-2.0-OpenSSH_9.6\r\n\r\n');
  if (answer.hints) socket.write('HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n');
  const head = headOf(answer);
  if (fault === 'half a head') return void socket.end(head.slice(0, head.length - 6), 'latin1');
  const hasBody = mayHaveBody(answer, method);
  if (fault !== undefined) {
    socket.write(head + (hasBody ? bodyOf(answer).slice(0, 8) : ''), 'latin1');
    if (fault === 'half a body, then silence') return;
    await delay(READ_MS);
    if (fault === 'half a body, then reset') connection.reset();
    else socket.end();
    return;
  }
  const text = head + (hasBody ? bodyOf(answer) : '');
  if (answer.framing === 'close') socket.end(text, 'latin1');
  else socket.write(text, 'latin1');
}

/** Whether a body follows on the headers (RFC 9110 section 6.4.1). */
export function mayHaveBody({ status }: PlainAnswer, method: string): boolean {
  return method !== 'HEAD' && status !== 204 && status !== 304;
}

function headOf({ status, headers, body, framing, fault }: PlainAnswer): string {
  const isCut = fault !== undefined;
  const lines = [`HTTP/1.1 ${status} ${status === 200 ? 'OK' : 'Reason'}`, ...headers.map((entry) => entry.join(': '))];
  if (framing === 'chunked') lines.push('Transfer-Encoding: chunked');
  // A body that is cut was to be longer.
  else if (framing === 'length') lines.push(`Content-Length: ${body.length + (isCut ? 20 : 0)}`);
  else lines.push('Connection: close');
  return `${lines.join('\r\n')}\r\n\r\n`;
}

function bodyOf({ body, framing, fault, trailers = [] }: PlainAnswer): string {
  if (framing !== 'chunked') return body;
  const chunks = [body.slice(0, 5), body.slice(5)].filter((part) => part !== '');
  const text = chunks.map((part) => `${part.length.toString(16)}\r\n${part}\r\n`).join('');
  const end = trailers.map((entry) => `${entry.join(': ')}\r\n`).join('');
  return fault === undefined ? `${text}0\r\n${end}\r\n` : text;
}
