import { request as httpRequest } from 'node:http';
import { Readable } from 'node:stream';
import got, { type AfterResponseHook, type BeforeRequestHook, HTTPError } from 'got';
import { withToken } from 'projected-token/got';
import { describe, expect, it } from 'vitest';
import { useHttpOrigins } from '../helpers/http-origins.js';
import { expectNoToken } from '../helpers/http-token-source.js';
import { inOtherRealm } from '../helpers/other-realm.js';

const world = useHttpOrigins();
const create = () => got.extend({ prefixUrl: world.listed.origin, retry: { limit: 0 } });
const seen = (path: string) => world.listed.seen(path, 'authorization');
const refuseFirstToken = (body = 'ok') =>
  world.listed.on('/a', ({ headers }) =>
    headers.authorization === world.source.value(1) ? { status: 401 } : { body },
  );

describe('Hooks', () => {
  it('see no token', async () => {
    world.listed.on('/a', { status: 307, headers: { location: '/b' } });
    world.listed.on('/b', ({ headers }) => ({ status: headers.authorization === world.source.value(1) ? 401 : 500 }));
    const calls: string[] = [];
    const look = (name: string) => (shown: unknown) => {
      calls.push(name);
      expectNoToken(shown, world.source);
      return shown as never;
    };
    const client = withToken(create(), world.source).extend({
      hooks: {
        beforeRequest: [(options) => void look('request')(options)],
        beforeRedirect: [look('redirect')],
        beforeRetry: [look('retry')],
        afterResponse: [look('response')],
        beforeError: [look('error')],
      },
    });
    await expect(client('a')).rejects.toBeInstanceOf(HTTPError);
    expect(calls).toEqual(['request', 'redirect', 'request', 'retry', 'request', 'response', 'error']);
  });

  it('that were there before see each response, those that came later the last one', async () => {
    refuseFirstToken();
    const calls: string[] = [];
    const note = (name: string): { hooks: { afterResponse: AfterResponseHook[] } } => ({
      hooks: {
        afterResponse: [
          (response) => {
            calls.push(`${name} ${response.statusCode}`);
            return response;
          },
        ],
      },
    });
    await withToken(create().extend(note('before')), world.source).extend(note('after'))('a');
    expect(calls).toEqual(['before 401', 'before 200', 'after 200']);
  });

  it.each([
    ['a rejected token', (value: unknown) => (value === world.source.value(1) ? 401 : 200), 0],
    ['a retry of its own', () => 503, 1],
  ])('see the context of the program alone, at each request and after %s', async (_, statusFor, limit) => {
    world.listed.on('/a', ({ headers }) => ({ status: statusFor(headers.authorization) }));
    const contexts: object[] = [];
    const keep: BeforeRequestHook = ({ context }) => void contexts.push({ ...context });
    const bare = create().extend({ hooks: { beforeRequest: [keep] } });
    const client = withToken(bare, world.source).extend({ hooks: { beforeRequest: [keep] } });
    const retry = {
      limit,
      calculateDelay: ({ computedValue }: { computedValue: number }) => Math.min(computedValue, 1),
    };
    const response = await client('a', { context: { mine: 1 }, retry, throwHttpErrors: false });
    expect(contexts).toEqual(Array(4).fill({ mine: 1 }));
    expect(Reflect.ownKeys(response.request.options.context)).toEqual(['mine']);
    expect(response.request.options.hooks.beforeRequest).toEqual(client.defaults.options.hooks.beforeRequest);
    expect(seen('/a')).toEqual(limit ? Array(2).fill(world.source.value(1)) : [1, 2].map((n) => world.source.value(n)));
  });

  it('of later may set the header, which is left alone', async () => {
    world.listed.on('/a', { status: 401 });
    const client = withToken(create(), world.source).extend({
      hooks: { beforeRequest: [(options) => void Object.assign(options.headers, { authorization: 'Basic abc' })] },
    });
    await client('a', { throwHttpErrors: false });
    expect(seen('/a')).toEqual(['Basic abc']);
    expect(world.source.refused).toEqual([]);
  });

  it('of later may send it to another origin, without the token', async () => {
    world.unlisted.on('/b', { status: 401 });
    const client = withToken(create(), world.source).extend({
      hooks: {
        beforeRequest: [
          (options) => {
            options.url = new URL(`${world.unlisted.origin}/b`);
          },
        ],
      },
    });
    await client('a', { throwHttpErrors: false });
    expect(world.unlisted.seen('/b', 'authorization')).toEqual([undefined]);
    expect(world.source.refused).toEqual([]);
  });

  it('may set a header for the next hop, which is left alone', async () => {
    world.listed.on('/a', { status: 307, headers: { location: '/b' } });
    world.listed.on('/b', { status: 401 });
    const client = withToken(create(), world.source).extend({
      hooks: { beforeRedirect: [(options) => void Object.assign(options.headers, { authorization: 'Basic abc' })] },
    });
    await client('a', { throwHttpErrors: false });
    expect(seen('/b')).toEqual(['Basic abc']);
    expect(world.source.refused).toEqual([]);
  });

  it('may answer in place of the server', async () => {
    const client = withToken(create(), world.source).extend({
      hooks: {
        beforeRequest: [
          () => Object.assign(Readable.from(['kept']), { statusCode: 200, headers: {}, url: '' }) as never,
        ],
      },
    });
    expect(await client('a').text()).toBe('kept');
    expect(world.listed.requests).toEqual([]);
  });
});

describe('A request function of the program', () => {
  it.each([
    ['its request', httpRequest],
    ['a promise of its request', async (...args: Parameters<typeof httpRequest>) => httpRequest(...args)],
    [
      'a promise, of another realm, of its request',
      (...args: Parameters<typeof httpRequest>) =>
        inOtherRealm<typeof Promise>('Promise').resolve(httpRequest(...args)),
    ],
    ['nothing, so that got sends', () => undefined],
    ['a promise of nothing, so that got sends', async () => undefined],
  ])('gives %s, which carries the token', async (_, request) => {
    refuseFirstToken();
    const response = await withToken(create(), world.source)('a', { request: request as never });
    expect(seen('/a')).toEqual([world.source.value(1), world.source.value(2)]);
    expect(response.request.options.request).toBe(request);
    expectNoToken(response, world.source);
  });
});
