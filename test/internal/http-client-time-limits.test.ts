import { describe, expect, it } from 'vitest';
import { rejectionOf } from '../helpers/federation.js';
import { closeAllAfterEach, connect, serve } from '../helpers/http-client-scene.js';
import { ok, type RawServer } from '../helpers/raw-server.js';

closeAllAfterEach();

const SWITCHING = 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n';

describe('The time limit', () => {
  it.each<[string, Parameters<typeof RawServer.start>[0]]>([
    ['no answer', () => {}],
    ['headers that do not end', (socket) => socket.write('HTTP/1.1 200 OK\r\nX-A: 1\r\n')],
    ['a body that does not end', (socket) => socket.write(ok('{}').slice(0, -1))],
    [
      'a body of chunks that stalls',
      (socket) => socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n'),
    ],
    ['an informational answer and no other', (socket) => socket.write('HTTP/1.1 103 Early Hints\r\n\r\n')],
    [
      'an answer that comes byte by byte',
      (socket) => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n');
        const timer = setInterval(() => socket.write(' '), 10);
        socket.once('close', () => clearInterval(timer));
      },
    ],
  ])('ends %s', async (_what, answer) => {
    const server = await serve(answer);
    const { signal } = new AbortController();
    const error = await rejectionOf(connect({ timeoutMs: 100 }).send(server.origin, { signal }));
    expect(error.message).toBe('no answer within 100 ms (option "timeoutMs").');
    await expect.poll(() => server.openConnections).toBe(0);
  });

  it.each([
    [
      'to one that it names',
      SWITCHING,
      'the server switches to another protocol instead of answering (UND_ERR_SOCKET).',
    ],
    ['without a name', 'HTTP/1.1 101 Switching Protocols\r\n\r\n', 'the answer is not HTTP/1.1 (ERR_ASSERTION).'],
  ])('is not needed for a server that switches protocols %s', async (_how, answer, message) => {
    const server = await serve((socket) => socket.write(answer));
    const { send } = connect();
    const error = await rejectionOf(send(server.origin));
    expect(error.message).toBe(message);
    await expect.poll(() => server.openConnections).toBe(0);
  });

  it('may be longer than a timer can be', async () => {
    const server = await serve((socket) => setTimeout(() => socket.write(ok('{}')), 50));
    for (const timeoutMs of [2 ** 31, Number.MAX_SAFE_INTEGER]) {
      expect(await connect({ timeoutMs }).send(server.origin)).toMatchObject({ status: 200 });
    }
  });

  it('holds for a source of certificates, too', async () => {
    const server = await serve((socket) => socket.write(ok('{}')));
    const error = await rejectionOf(connect({ timeoutMs: 100, ca: () => new Promise(() => {}) }).send(server.origin));
    expect(error.message).toBe('no answer within 100 ms (option "timeoutMs").');
  });
});

describe("The caller's signal", () => {
  it('ends a request', async () => {
    const controller = new AbortController();
    const server = await serve(() => controller.abort());
    const error = await rejectionOf(connect().send(server.origin, { signal: controller.signal }));
    expect(error).toBe(controller.signal.reason);
    await expect.poll(() => server.openConnections).toBe(0);
  });

  it('prevents one when it has aborted before', async () => {
    const server = await serve(() => {});
    await rejectionOf(connect().send(server.origin, { signal: AbortSignal.abort() }));
    expect(server.requests).toEqual([]);
  });
});
