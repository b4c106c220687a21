import type { Connection } from './connection.js';
import { RequestBytes } from './received-request.js';
import type { Run } from './run.js';
import { writeAnswer } from './write-answer.js';

/** Serves HTTP/1.1 byte by byte. */
export function serveHttp1(connection: Connection, run: Run): void {
  const { socket, at } = connection;
  const bytes = new RequestBytes();
  let saidContinue = false;
  socket.once('close', () => {
    if (!bytes.isEmpty) run.receive(socket, at, bytes.rest(), false);
  });
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    bytes.push(chunk);
    const { head } = bytes;
    if (!saidContinue && head !== undefined && /^expect: *100-continue/im.test(head)) {
      saidContinue = true;
      socket.write('HTTP/1.1 100 Continue\r\n\r\n');
    }
    for (let request = bytes.take(); request !== undefined; request = bytes.take()) {
      const { answer } = run.receive(socket, at, request);
      if (answer !== undefined) void writeAnswer(connection, answer, request.head.split(' ', 1)[0]!);
    }
  });
  socket.once('end', () => socket.end());
}
