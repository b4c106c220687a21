import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { withToken } from 'projected-token/undici';
import { type buildConnector, Client, type Dispatcher } from 'undici';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Gate } from '../helpers/gate.js';
import { FixedTokenSource } from '../helpers/http-token-source.js';
import { RecordedDispatch } from '../helpers/recorded-dispatch.js';
import { serveForTest } from '../helpers/serve-for-test.js';

/** A server that makes tunnels for the second token only, and a client with the token. */
async function connected(options: Client.Options = {}) {
  const source = new FixedTokenSource();
  const closed = new Gate();
  const refused = new Gate<Socket>();
  const server = createServer().on('connect', ({ headers }, socket: Socket) => {
    socket.on('error', () => {}).resume();
    if (headers.authorization === source.value(2)) return void socket.end('HTTP/1.1 200 OK\r\n\r\nhello');
    socket.once('end', () => socket.end()).once('close', () => closed.open());
    return void socket.write('HTTP/1.1 401 Unauthorized\r\nX-Reason: old\r\n\r\nno', () => refused.open(socket));
  });
  const origin = await serveForTest(server);
  const client = new Client(origin, options);
  onTestFinished(() => client.destroy());
  const dispatcher = withToken(client, source, { origins: [origin] });
  return { source, client, dispatcher, closed, refused };
}

const CONNECT = { path: 'peer.internal:443', method: 'CONNECT' } as const;

async function textOf(socket: Duplex): Promise<string> {
  let text = '';
  for await (const chunk of socket) text += chunk;
  return text;
}

describe('A CONNECT whose token is refused', () => {
  it.each(['at hand', 'awaited'])('is sent once more, and its first connection closed (token %s)', async (token) => {
    const { source, dispatcher, closed } = await connected();
    if (token === 'at hand') Object.assign(source, { peekToken: source.atHand.peekToken });
    const { statusCode, socket } = await dispatcher.connect({ path: CONNECT.path });
    expect({ statusCode, text: await textOf(socket) }).toEqual({ statusCode: 200, text: 'hello' });
    expect(source.refused).toEqual([source.token(1)]);
    await closed.opened;
  });

  it('is handed on with its connection if there is no other token', async () => {
    const { source, client, dispatcher } = await connected();
    source.replaceToken = async () => undefined;
    const bare = await client.connect({ path: CONNECT.path });
    const { statusCode, headers, socket } = await dispatcher.connect({ path: CONNECT.path });
    expect({ statusCode, headers }).toMatchObject({ statusCode: 401, headers: { 'x-reason': 'old' } });
    const [chunk] = await once(socket, 'data');
    expect(String(chunk)).toBe('no');
    expect(socket.eventNames()).toEqual(bare.socket.eventNames());
    expect(socket.listenerCount('error')).toBe(bare.socket.listenerCount('error'));
    for (const each of [bare.socket, socket]) each.destroy();
  });

  it('and which is aborted before there is another token leaves no connection', async () => {
    const { source, dispatcher, closed } = await connected();
    const asked = new Gate();
    source.replaceToken = () => {
      asked.open();
      return new Promise(() => {});
    };
    const record = new RecordedDispatch();
    dispatcher.dispatch(CONNECT, record as Dispatcher.DispatchHandler);
    await asked.opened;
    const reason = new Error('enough');
    record.controller.abort(reason);
    expect(record).toMatchObject({ told: ['start', 'error'], error: reason });
    await closed.opened;
  });

  it('survives that its first connection breaks before there is another token', async () => {
    // A connector of the program leaves no listener for errors behind, as those of undici do.
    const broken = new Gate();
    const connector: buildConnector.connector = ({ hostname, port }, callback) => {
      const socket = connect(Number(port), hostname, () => callback(null, socket));
      socket.once('close', () => broken.open());
    };
    const { source, dispatcher, refused } = await connected({ connect: connector });
    const { replaceToken } = source;
    source.replaceToken = async (token) => {
      (await refused.opened).resetAndDestroy();
      await broken.opened;
      return replaceToken.call(source, token);
    };
    const { statusCode, socket } = await dispatcher.connect({ path: CONNECT.path });
    expect(statusCode).toBe(200);
    socket.destroy();
  });
});
