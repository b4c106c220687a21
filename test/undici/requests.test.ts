import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { Readable, Writable } from 'node:stream';
import { pipeline as pipe } from 'node:stream/promises';
import { setImmediate } from 'node:timers/promises';
import { withToken } from 'projected-token/undici';
import { Agent, type Dispatcher, pipeline, request, stream } from 'undici';
import { afterAll, describe, expect, it } from 'vitest';
import { useHttpOrigins } from '../helpers/http-origins.js';
import { expectNoToken } from '../helpers/http-token-source.js';
import { serveForTest } from '../helpers/serve-for-test.js';

type Pair = [name: string, value: string];
type RequestHeaders = Dispatcher.DispatchOptions['headers'];

const at = useHttpOrigins();
const agent = new Agent();
afterAll(() => agent.close());

const carrying = (dispatcher: Dispatcher = agent, origins = [at.listed.origin]) =>
  withToken(dispatcher, at.source, { origins });

describe('Headers given as', () => {
  const pairs: Pair[] = [
    ['X-A', '1'],
    ['x-b', '2'],
    ['x-b', '3'],
  ];
  const valuesByName = (list: Pair[]) =>
    new Map(list.map(([name]) => [name, list.filter(([other]) => other === name).map(([, value]) => value)]));
  const FORMS: Record<string, (list: Pair[]) => RequestHeaders> = {
    'an object': (list) => Object.fromEntries(valuesByName(list)),
    'a flat list': (list) => list.flat(),
    Headers: (list) => new Headers(list),
    'a Map': valuesByName,
    'an iterator, which gives them once': (list) => list.values(),
  };

  const send = async (headers: RequestHeaders) => {
    const { body } = await request(at.listed.on('/a', { status: 401 }), { dispatcher: carrying(), headers });
    await body.dump();
  };

  it.each(Object.entries(FORMS))('%s go along with the token, at both attempts', async (_, headersOf) => {
    await send(headersOf(pairs));
    expect(at.listed.seen('/a', 'x-a')).toEqual(['1', '1']);
    expect(at.listed.seen('/a', 'x-b')).toEqual(['2, 3', '2, 3']);
    expect(at.listed.seen('/a', 'authorization')).toEqual([at.source.value(1), at.source.value(2)]);
  });

  it.each(Object.entries(FORMS))('%s go as they are if the header is among them', async (_, headersOf) => {
    await send(headersOf([...pairs, ['AUTHORIZATION', 'own']]));
    expect(at.listed.seen('/a', 'x-b')).toEqual(['2, 3']);
    expect(at.listed.seen('/a', 'authorization')).toEqual(['own']);
  });

  it('an object may have some without a value', async () => {
    await send({ authorization: undefined, 'x-a': undefined });
    expect(at.listed.seen('/a', 'authorization')).toEqual([at.source.value(1), at.source.value(2)]);
    expect(at.listed.requests[0]?.headers).not.toHaveProperty('x-a');
  });
});

it.each([200, 401])('Headers of a response with status %i come back as they are, repeated ones too', async (status) => {
  at.source.replaceToken = async () => undefined;
  const cookies = ['a=1', 'b=2'];
  const server = createServer((_, response) => response.writeHead(status, { 'set-cookie': cookies }).end());
  const origin = await serveForTest(server);
  const { headers, body } = await request(origin, { dispatcher: carrying(agent, [origin]) });
  await body.dump();
  expect(headers['set-cookie']).toEqual(cookies);
});

describe('A pipeline', () => {
  it.each([
    [200, 1],
    [401, 1],
  ])('sends what is written to it with the token, and only once (%i)', async (status, attempts) => {
    const url = at.listed.on('/a', { status, body: `answer ${status}` });
    const statuses: number[] = [];
    const duplex = pipeline(url, { dispatcher: carrying(), method: 'PUT' }, ({ statusCode, body }) => {
      statuses.push(statusCode);
      return body;
    });
    let answer = '';
    await pipe(Readable.from(['a', 'b']), duplex, async (chunks) => {
      for await (const chunk of chunks) answer += chunk;
    });
    expect({ statuses, answer }).toEqual({ statuses: [status], answer: `answer ${status}` });
    expect(at.listed.seen('/a', 'authorization')).toEqual(Array(attempts).fill(at.source.value(1)));
    expect(String(at.listed.requests[0]?.body)).toBe('ab');
  });
});

describe('A large response to the second attempt', () => {
  const megabyte = Buffer.alloc(2 ** 20, 'x');
  const megabytes = 32;

  it('goes no faster than it is read', async () => {
    const server = createServer(async ({ headers }, response) => {
      if (headers.authorization === at.source.value(1)) return void response.writeHead(401).end();
      await pipe(Readable.from(Array(megabytes).fill(megabyte)), response);
    });
    const origin = await serveForTest(server);
    let longestQueue = 0;
    const hash = createHash('sha256');
    await stream(origin, { dispatcher: carrying(agent, [origin]), method: 'GET' }, () => {
      const slow = new Writable({
        async write(chunk, _, done) {
          longestQueue = Math.max(longestQueue, slow.writableLength);
          hash.update(chunk);
          await setImmediate();
          done();
        },
      });
      return slow;
    });
    const expected = createHash('sha256').update(Buffer.alloc(megabytes * megabyte.length, 'x'));
    expect(hash.digest('hex')).toBe(expected.digest('hex'));
    expect(longestQueue).toBeLessThan(megabyte.length);
  });
});

describe('A dispatcher with the token', () => {
  it('closes and is destroyed as the one that it was made from', async () => {
    const inner = new Agent();
    const dispatcher = carrying(inner);
    await dispatcher.close();
    const error = await dispatcher.request({ origin: at.listed.origin, path: '/', method: 'GET' }).catch((e) => e);
    expect(error).toMatchObject({ code: expect.stringMatching(/^UND_ERR_(CLOSED|DESTROYED)$/) });
    expectNoToken(error, at.source);
    await inner.destroy();
    expect(at.listed.requests).toEqual([]);
  });

  it.each([
    ['method', { method: 'NO METHOD', path: '/' }],
    ['path', { method: 'GET', path: '/no path' }],
    ['header', { method: 'GET', path: '/', headers: { 'no header': '1' } }],
  ])('refuses an invalid %s as undici does', async (_, options) => {
    const invalid = { origin: at.listed.origin, ...options } as Dispatcher.RequestOptions;
    const [plain, error] = await Promise.all([agent, carrying()].map((one) => one.request(invalid).catch((e) => e)));
    expect(error).toEqual(plain);
    expect(error).toMatchObject({ code: 'UND_ERR_INVALID_ARG' });
    expectNoToken(error, at.source);
  });

  it('emits the events of the one that it was made from', async () => {
    const inner = new Agent();
    const dispatcher = carrying(inner);
    const connected: string[] = [];
    dispatcher.on('connect', (origin) => connected.push(String(origin)));
    const { body } = await dispatcher.request({ origin: at.listed.origin, path: '/', method: 'GET' });
    await body.dump();
    await dispatcher.close();
    expect(connected).toEqual([`${at.listed.origin}/`]);
  });
});
