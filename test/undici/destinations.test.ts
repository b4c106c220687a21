import { createServer } from 'node:http';
import { connect } from 'node:net';
import { withToken } from 'projected-token/undici';
import { Agent, BalancedPool, Client, type Dispatcher, interceptors, Pool, ProxyAgent, request, upgrade } from 'undici';
import { afterEach, describe, expect, it } from 'vitest';
import { TokenCarriage } from '../../src/carry/token-carriage.js';
import { Destinations } from '../../src/dispatch/destinations.js';
import { useHttpOrigins } from '../helpers/http-origins.js';
import { serveForTest } from '../helpers/serve-for-test.js';

const at = useHttpOrigins();
const opened: Dispatcher[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((dispatcher) => dispatcher.close()));
});

/** With the token for the listed origin; closed after the test. */
function carrying<D extends Dispatcher>(dispatcher: D, origins = [at.listed.origin]): D {
  opened.push(dispatcher);
  return withToken(dispatcher, at.source, { origins });
}

const send = (dispatcher: Dispatcher, options: { origin?: string; path?: string; headers?: string[] } = {}) =>
  dispatcher.request({ path: '/a', method: 'GET', ...options }).then(({ body }) => body.text());

const BOUND: Record<string, (origin: string) => Dispatcher> = {
  'a Client': (origin) => new Client(origin),
  'a Pool': (origin) => new Pool(origin),
  'a BalancedPool': (origin) => new BalancedPool(origin),
  'a Pool with interceptors': (origin) => new Pool(origin).compose(interceptors.retry()),
};

describe.each(Object.entries(BOUND))('%s', (_, bindTo) => {
  it('to a listed origin sends the token, whether its requests say the origin or not', async () => {
    const dispatcher = carrying(bindTo(at.listed.origin));
    await send(dispatcher);
    await send(dispatcher, { origin: at.listed.origin });
    expect(at.listed.seen('/a', 'authorization')).toEqual([at.source.value(1), at.source.value(1)]);
  });

  it('to another origin sends none, even if a request says a listed one', async () => {
    const dispatcher = carrying(bindTo(at.unlisted.origin));
    await send(dispatcher);
    await send(dispatcher, { origin: at.listed.origin });
    await request(`${at.listed.origin}/a`, { dispatcher }).then(({ body }) => body.text());
    expect(at.unlisted.seen('/a', 'authorization')).toEqual([undefined, undefined, undefined]);
    expect(at.listed.requests).toEqual([]);
  });
});

it('a dispatcher that keeps its origin in a URL of another realm goes there, whatever a request says', () => {
  const url = { [Symbol.toStringTag]: 'URL', origin: 'https://a.example' };
  const dispatcher = { [Symbol('url')]: url } as unknown as Dispatcher;
  const areAllowed = (origins: string[]) =>
    new Destinations(new TokenCarriage(at.source, { origins }), dispatcher).areAllowed({
      origin: 'https://b.example',
    } as Dispatcher.DispatchOptions);
  const lists = [['https://a.example'], ['https://b.example'], ['https://a.example', 'https://b.example']];
  expect(lists.map(areAllowed)).toEqual([false, false, true]);
});

it('a BalancedPool sends the token only if all its upstreams are listed', async () => {
  const pool = carrying(new BalancedPool([at.listed.origin, at.unlisted.origin]));
  await Promise.all([send(pool), send(pool), send(pool)]);
  const seen = [at.listed, at.unlisted].flatMap((origin) => origin.seen('/a', 'authorization'));
  expect(seen).toEqual([undefined, undefined, undefined]);

  const both = carrying(new BalancedPool([at.listed.origin, at.unlisted.origin]), [
    at.listed.origin,
    at.unlisted.origin,
  ]);
  await send(both, { path: '/b' });
  expect([at.listed, at.unlisted].flatMap((origin) => origin.seen('/b', 'authorization'))).toEqual([
    at.source.value(1),
  ]);
});

it.each(['//HOST/a', 'http://HOST/a'])('a path such as %s does not pass for the host', async (path) => {
  const agent = carrying(new Agent());
  const listedHost = new URL(at.listed.origin).host;
  await send(agent, { origin: at.unlisted.origin, path: path.replace('HOST', listedHost) });
  expect(at.unlisted.requests).toHaveLength(1);
  expect(at.unlisted.requests[0]?.headers).not.toHaveProperty('authorization');

  const unlistedHost = new URL(at.unlisted.origin).host;
  await send(agent, { origin: at.listed.origin, path: path.replace('HOST', unlistedHost) });
  expect(at.listed.requests[0]?.headers).toHaveProperty('authorization', at.source.value(1));
});

it('an upgraded connection begins with the token', async () => {
  const seen: (string | undefined)[] = [];
  const server = createServer().on('upgrade', (message, socket) => {
    seen.push(message.headers.authorization);
    socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\nhello');
  });
  const url = await serveForTest(server);
  const { socket } = await upgrade(url, { dispatcher: carrying(new Agent(), [url]), protocol: 'chat' });
  let received = '';
  for await (const chunk of socket) received += chunk;
  expect({ seen, received }).toEqual({ seen: [at.source.value(1)], received: 'hello' });
});

describe('Through a proxy the token goes', () => {
  /** A proxy that makes tunnels, and what it was told of each. */
  async function startProxy() {
    const tunnels: unknown[] = [];
    const proxy = createServer().on('connect', ({ url = '', headers }, socket, head) => {
      tunnels.push({ url, authorization: headers.authorization });
      const upstream = connect(Number(url.split(':')[1]), '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        upstream.write(head);
        upstream.pipe(socket).pipe(upstream);
      });
    });
    const uri = await serveForTest(proxy);
    return { tunnels, dispatcher: new ProxyAgent({ uri, proxyTunnel: true }) };
  }

  it('to the origin, and not to the proxy', async () => {
    const { dispatcher, tunnels } = await startProxy();
    await send(carrying(dispatcher), { origin: at.listed.origin });
    expect(at.listed.seen('/a', 'authorization')).toEqual([at.source.value(1)]);
    expect(tunnels).toEqual([{ url: new URL(at.listed.origin).host, authorization: undefined }]);
  });

  // ProxyAgent takes lists that undici itself rejects.
  it.each([[['x-a', '1', 'x-odd']], [[['x-a', '1']]]])('whole beside the list of headers %j', async (headers) => {
    const { dispatcher } = await startProxy();
    await send(carrying(dispatcher), { origin: at.listed.origin, headers: headers as string[] });
    expect(at.listed.seen('/a', 'authorization')).toEqual([at.source.value(1)]);
  });
});
