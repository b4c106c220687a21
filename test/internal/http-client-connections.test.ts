import type { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { rejectionOf } from '../helpers/federation.js';
import { closeAllAfterEach, connect, serve } from '../helpers/http-client-scene.js';
import { ok, RawServer } from '../helpers/raw-server.js';

closeAllAfterEach();

const post = { method: 'POST', json: { a: 1 } } as const;

/** Answers the first request of each connection; what comes after it is up to the test. */
function afterFirst(answer: (socket: Socket) => unknown): (socket: Socket) => void {
  const seen = new WeakSet<Socket>();
  return (socket) => {
    if (seen.has(socket)) return void answer(socket);
    seen.add(socket);
    socket.write(ok('{}'));
  };
}

/** undici looks at a connection for a turn before it uses it again; until then it makes another one. */
async function idle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await nextTurn();
}

describe('Connections', () => {
  it('are used again, and end with close', async () => {
    const server = await serve((socket) => socket.write(ok('{}')));
    const { client, send } = connect();
    await send(server.origin);
    await idle();
    await send(server.origin);
    await idle();
    expect(server.connections).toBe(1);
    await client.close();
    await expect.poll(() => server.openConnections).toBe(0);
  });

  it.each([
    ['reset', (socket: Socket) => socket.resetAndDestroy()],
    ['ended', (socket: Socket) => socket.end()],
  ])('that were kept alive and are %s at their next use are replaced, whatever the method', async (_how, end) => {
    const server = await serve(afterFirst(end));
    const { send } = connect();
    await send(server.origin);
    await idle();
    expect(await send(server.origin, post)).toMatchObject({ status: 200, text: '{}' });
    expect(server.requests).toHaveLength(3);
    expect(server.requests[2]).toBe(server.requests[1]);
  });

  it('six at a time may be dropped by a load balancer without a failure', async () => {
    const waiting: Socket[] = [];
    let isDropping = false;
    const server = await serve((socket) => {
      if (isDropping && waiting.includes(socket)) return socket.resetAndDestroy();
      if (isDropping) return socket.write(ok('{}'));
      waiting.push(socket);
      // So that six are open at the same time.
      if (waiting.length === 6) for (const each of waiting) each.write(ok('{}'));
      return undefined;
    });
    const { send } = connect();
    const sendSix = () => Promise.all(Array.from({ length: 6 }, () => send(server.origin, post)));
    await sendSix();
    await idle();
    expect(server.connections).toBe(6);
    isDropping = true;
    expect((await sendSix()).map(({ status }) => status)).toEqual(Array(6).fill(200));
    // One after the other: the first dead one takes the others with it.
    isDropping = false;
    waiting.length = 0;
    await sendSix();
    await idle();
    isDropping = true;
    const before = server.requests.length;
    for (let n = 0; n < 6; n++) await send(server.origin, post).then(idle);
    expect(server.requests.length - before).toBe(7);
  });

  it('that are replaced and break again are an error', async () => {
    let answer = (socket: Socket) => void socket.write(ok('{}'));
    const server = await serve((socket) => answer(socket));
    const { send } = connect();
    await send(server.origin);
    await idle();
    answer = (socket) => void socket.resetAndDestroy();
    expect(await rejectionOf(send(server.origin))).toMatchObject({ name: 'HttpError', isPermanent: false });
    expect(server.requests).toHaveLength(3);
  });

  it('that are new and break do not lead to another request', async () => {
    const server = await serve((socket) => socket.resetAndDestroy());
    const error = await rejectionOf(connect().send(server.origin, post));
    expect(error.message).toMatch(/^the connection was closed before the end of the answer \(\w+\)\.$/);
    expect(server.requests).toHaveLength(1);
  });

  it.each([
    ['headers', 'HTTP/1.1 200 O'],
    ['body', ok('{"a":"'.padEnd(200)).slice(0, -50)],
  ])('that break in the midst of the %s do not either, though they were kept alive', async (_part, half) => {
    const server = await serve(
      afterFirst((socket) => socket.write(half, () => setTimeout(() => socket.destroy(), 20))),
    );
    const { send } = connect();
    await send(server.origin);
    await idle();
    const error = await rejectionOf(send(server.origin, post));
    expect(error.message).toMatch(/^the connection was closed before the end of the answer/);
    expect(server.requests).toHaveLength(2);
  });

  it('that are refused reject with the code of the system', async () => {
    const server = await RawServer.start(() => {});
    const { origin } = server;
    await server.close();
    expect(await rejectionOf(connect().send(origin))).toMatchObject({
      code: 'ECONNREFUSED',
      message: 'nothing listens there (ECONNREFUSED).',
      isPermanent: false,
    });
    // Two addresses, two failures in an error without a message of its own.
    const url = new URL(origin.replace('127.0.0.1', 'localhost'));
    expect((await rejectionOf(connect().send(origin, { url }))).message).toBe('nothing listens there (ECONNREFUSED).');
  });
});

describe('close', () => {
  it('gives a request under way a second', async () => {
    const server = await serve((socket) => setTimeout(() => socket.write(ok('{}')), 100));
    const { client, send } = connect();
    const sent = send(server.origin);
    await expect.poll(() => server.requests.length).toBe(1);
    await client.close();
    expect(await sent).toMatchObject({ status: 200 });
  });

  it('waits no longer, and ends it', async () => {
    const server = await serve(() => {});
    const { client, send } = connect();
    const failed = rejectionOf(send(server.origin));
    await expect.poll(() => server.requests.length).toBe(1);
    const begunAt = performance.now();
    await client.close();
    expect(performance.now() - begunAt).toBeLessThan(3_000);
    expect((await failed).message).toBe('the client was closed.');
    await expect.poll(() => server.openConnections).toBe(0);
    expect((await rejectionOf(send(server.origin))).message).toBe('the client was closed.');
    await client.close();
  });
});
