import { createServer } from 'node:http';
import { withToken } from 'projected-token/undici';
import { Agent, type Dispatcher, fetch, interceptors, MockAgent, RetryAgent, request } from 'undici';
import { afterAll, describe, expect, it } from 'vitest';
import { useHttpOrigins } from '../helpers/http-origins.js';
import { expectNoToken } from '../helpers/http-token-source.js';
import { serveForTest } from '../helpers/serve-for-test.js';

const at = useHttpOrigins();
const agent = new Agent();

afterAll(() => agent.close());

const carrying = (dispatcher: Dispatcher, origins = [at.listed.origin]) =>
  withToken(dispatcher, at.source, { origins });

async function get(url: string, dispatcher: Dispatcher): Promise<string> {
  const { statusCode, body } = await request(url, { dispatcher });
  return `${statusCode} ${await body.text()}`;
}

describe('The redirect interceptor', () => {
  const redirect = interceptors.redirect({ maxRedirections: 5 });

  it('beneath follows nothing that carries the token', async () => {
    const url = at.listed.on('/from', { status: 307, headers: { location: `${at.unlisted.origin}/to` } });
    expect(await get(url, carrying(agent.compose(redirect)))).toBe('307 ');
    expect(at.unlisted.requests).toEqual([]);
  });

  it('beneath follows what does not carry it, and that goes on without', async () => {
    const url = at.unlisted.on('/from', { status: 307, headers: { location: `${at.listed.origin}/to` } });
    expect(await get(url, carrying(agent.compose(redirect)))).toBe('200 ok');
    expect(at.listed.seen('/to', 'authorization')).toEqual([undefined]);
  });

  it('outside puts no token in the place of the header that the caller gave and undici took off', async () => {
    const url = at.listed.on('/from', { status: 307, headers: { location: `${at.listed.localhostOrigin}/to` } });
    const dispatcher = carrying(agent, [at.listed.origin, at.listed.localhostOrigin]).compose(redirect);
    const { body } = await request(url, { dispatcher, headers: { authorization: 'own' } });
    await body.text();
    expect(at.listed.seen('/from', 'authorization')).toEqual(['own']);
    expect(at.listed.seen('/to', 'authorization')).toEqual([undefined]);
  });
});

it('fetch, whose hops are requests of their own, puts the token on at a listed origin that another led to', async () => {
  const url = at.unlisted.on('/from', { status: 307, headers: { location: `${at.listed.origin}/to` } });
  await (await fetch(url, { dispatcher: carrying(agent) })).text();
  expect(at.unlisted.seen('/from', 'authorization')).toEqual([undefined]);
  expect(at.listed.seen('/to', 'authorization')).toEqual([at.source.value(1)]);
});

const RETRY = { minTimeout: 1, statusCodes: [503] };
const RETRYING: Record<string, (origins?: string[]) => Dispatcher> = {
  'the retry interceptor outside': (origins) => carrying(agent, origins).compose(interceptors.retry(RETRY)),
  'the retry interceptor beneath': (origins) => carrying(agent.compose(interceptors.retry(RETRY)), origins),
  'a RetryAgent outside': (origins) => new RetryAgent(carrying(agent, origins), RETRY),
  'a RetryAgent beneath': (origins) => carrying(new RetryAgent(agent, RETRY), origins),
};

describe.each(Object.entries(RETRYING))('%s', (_, retrying) => {
  it('sends again with the token what a server could not answer', async () => {
    const url = at.listed.on('/a', () => (at.listed.requests.length < 3 ? { status: 503 } : { body: 'at last' }));
    expect(await get(url, retrying())).toBe('200 at last');
    expect(at.listed.seen('/a', 'authorization')).toEqual(Array(3).fill(at.source.value(1)));
    expect(at.source.refused).toEqual([]);
  });

  it('goes on with the other token after a refusal', async () => {
    const answers = [{ status: 401 }, { status: 503 }, { body: 'at last' }];
    const url = at.listed.on('/a', () => answers[at.listed.requests.length - 1] ?? { status: 500 });
    expect(await get(url, retrying())).toBe('200 at last');
    expect(at.listed.seen('/a', 'authorization')).toEqual([at.source.value(1), at.source.value(2), at.source.value(2)]);
  });

  it('hands a refusal on that no other token helps against', async () => {
    const url = at.listed.on('/a', { status: 401, body: 'no' });
    expect(await get(url, retrying())).toBe('401 no');
    expect(at.listed.requests).toHaveLength(2);
  });

  it('asks for the rest of a response that broke off with the token', async () => {
    const ranges: unknown[] = [];
    const server = createServer(({ headers }, response) => {
      ranges.push({ range: headers.range, authorization: headers.authorization, accept: headers.accept });
      if (headers.range === undefined) {
        response.writeHead(200, { 'content-length': 8, etag: '"1"' });
        response.write('half', () => response.destroy());
      } else {
        response.writeHead(206, { 'content-length': 4, 'content-range': 'bytes 4-7/8', etag: '"1"' }).end('rest');
      }
    });
    const origin = await serveForTest(server);
    const { body } = await request(`${origin}/a`, {
      dispatcher: retrying([origin]),
      headers: { accept: 'text/plain' },
    });
    expect(await body.text()).toBe('halfrest');
    const sent = { authorization: at.source.value(1), accept: 'text/plain' };
    expect(ranges).toEqual([sent, { ...sent, range: 'bytes=4-7' }]);
  });
});

describe('The error interceptor', () => {
  const ORDERS: Record<string, () => Dispatcher> = {
    outside: () => carrying(agent).compose(interceptors.responseError()),
    beneath: () => carrying(agent.compose(interceptors.responseError())),
  };

  it.each(Object.entries(ORDERS))('%s rejects with the status and without the token', async (_, composed) => {
    const url = at.listed.on('/a', { status: 403, headers: { 'content-type': 'text/plain' }, body: 'forbidden' });
    const error = await get(url, composed()).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'UND_ERR_RESPONSE', statusCode: 403, body: 'forbidden' });
    expectNoToken(error, at.source);
  });

  it('outside rejects only when the other token was refused too', async () => {
    const url = at.listed.on('/a', ({ headers }) => ({
      status: headers.authorization === at.source.value(2) ? 200 : 401,
    }));
    expect(await get(url, ORDERS.outside!())).toBe('200 ');
    at.listed.on('/a', { status: 401 });
    await expect(get(url, ORDERS.outside!())).rejects.toMatchObject({ statusCode: 401 });
  });
});

describe('A MockAgent', () => {
  const mock = () => {
    const mockAgent = new MockAgent();
    mockAgent.disableNetConnect();
    return {
      mockAgent,
      dispatcher: carrying(mockAgent, ['https://vault.test']),
      pool: mockAgent.get('https://vault.test'),
    };
  };

  it('gets the token', async () => {
    const { dispatcher, pool } = mock();
    pool.intercept({ path: '/a', headers: { authorization: at.source.value(1) } }).reply(200, 'mocked');
    expect(await get('https://vault.test/a', dispatcher)).toBe('200 mocked');
  });

  it('may refuse it, once or for good', async () => {
    const { dispatcher, pool } = mock();
    pool.intercept({ path: '/a' }).reply(401, 'no');
    pool.intercept({ path: '/a', headers: { authorization: at.source.value(2) } }).reply(200, 'mocked');
    expect(await get('https://vault.test/a', dispatcher)).toBe('200 mocked');

    at.source.replaceToken = async () => undefined;
    pool.intercept({ path: '/b' }).reply(401, 'still no');
    expect(await get('https://vault.test/b', dispatcher)).toBe('401 still no');
  });
});
