import { once } from 'node:events';
import { createSecureServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { finished } from 'node:stream/promises';
import got, { CancelError, type Got, HTTPError, type OptionsInit, RequestError } from 'got';
import { withToken } from 'projected-token/got';
import { describe, expect, it } from 'vitest';
import { createLoopbackCertificate } from '../../src/testing/loopback-certificate.js';
import type { SeenRequest } from '../helpers/http-origin.js';
import { useHttpOrigins } from '../helpers/http-origins.js';
import { expectNoToken } from '../helpers/http-token-source.js';

const world = useHttpOrigins();
const seen = (path: string) => world.listed.seen(path, 'authorization');
const value = (generation: number) => world.source.value(generation);
const connect = (given: Got = got.extend({ retry: { limit: 0 } })) =>
  withToken(given.extend({ prefixUrl: world.listed.origin }), world.source);

/** A path that accepts the second token only, and says so. */
const refuseFirstToken = () =>
  world.listed.on('/a', ({ headers }) =>
    headers.authorization === value(1) ? { status: 401, body: 'refused' } : { body: '{"accepted":true}' },
  );

/** A path that answers with one status after the other, the last one for ever. */
const answerWith = (...statuses: number[]) => {
  let count = 0;
  world.listed.on('/a', () => ({ status: statuses[Math.min(count++, statuses.length - 1)] }));
};

describe('Options of a request', () => {
  it('responseType and resolveBodyOnly are those of the second response', async () => {
    refuseFirstToken();
    expect(await connect()('a', { responseType: 'json', resolveBodyOnly: true })).toEqual({ accepted: true });
  });

  it('throwHttpErrors off gives the second response, or the refusal where there is no other token', async () => {
    refuseFirstToken();
    const send = () => connect()('a', { throwHttpErrors: false });
    expect(await send()).toMatchObject({ statusCode: 200, retryCount: 0 });
    world.listed.on('/a', { status: 401, body: 'refused' });
    world.source.replaceToken = async () => undefined;
    expect(await send()).toMatchObject({ statusCode: 401, body: 'refused', retryCount: 0 });
  });

  it('cache keeps nothing that was asked for with a token, and everything else', async () => {
    const headers = { 'cache-control': 'public, max-age=60' };
    world.listed.on('/a', { headers });
    world.unlisted.on('/a', { headers });
    const cache = new Map();
    const client = connect().extend({ cache });
    for (let count = 0; count < 2; count++) {
      await client('a');
      await client('a', { prefixUrl: world.unlisted.origin });
    }
    expect(seen('/a')).toEqual([value(1), value(1)]);
    expect(world.unlisted.requests).toHaveLength(1);
    expect([...cache.keys()].join()).not.toContain(world.listed.origin);
  });

  it('http2 carries the token, and shows none', async () => {
    const { key, cert } = createLoopbackCertificate();
    const server = createSecureServer({ key, cert });
    const values: unknown[] = [];
    server.on('stream', (stream, headers) => {
      values.push(headers.authorization);
      stream.respond({ ':status': headers.authorization === value(1) ? 401 : 200 });
      stream.end('over HTTP/2');
    });
    server.on('session', (session) => server.once('close', () => session.destroy()));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const prefixUrl = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const client = withToken(
      got.extend({ prefixUrl, http2: true, https: { certificateAuthority: cert } }),
      world.source,
    );
    const response = await client('a');
    expect(response.body).toBe('over HTTP/2');
    expect(values).toEqual([value(1), value(2)]);
    expectNoToken(response, world.source);
    server.close();
  });
});

describe("got's own retry", () => {
  const retry = {
    limit: 2,
    calculateDelay: ({ computedValue }: { computedValue: number }) => Math.min(computedValue, 1),
  };

  it('takes the token of its time, and leaves room for one more when it is refused', async () => {
    answerWith(503, 401, 503, 200);
    const source = world.source;
    const { getToken } = source;
    source.getToken = async (options) => {
      await (source.reads > 0 && source.replaceToken('rotated meanwhile'));
      return getToken.call(source, options);
    };
    await connect(got.extend({ retry: { ...retry, limit: 5 } }))('a');
    expect(seen('/a')).toEqual([value(1), value(2), value(3), value(4)]);
    expect(source.refused).toEqual(['rotated meanwhile', source.token(2), 'rotated meanwhile']);
  });

  it('has as many attempts after a rejected token as without', async () => {
    answerWith(401, 503, 503, 200);
    const { retryCount } = await connect(got.extend({ retry: { ...retry, limit: 2 } }))('a');
    expect(seen('/a')).toHaveLength(4);
    expect(retryCount).toBe(2);
  });

  it('is not asked about a refused token, and about nothing else than before', async () => {
    answerWith(401, 503, 200);
    const asked: unknown[] = [];
    const calculateDelay = ({ error }: { error: RequestError }) => {
      asked.push(error.response?.statusCode);
      return 0;
    };
    const error = await connect(got.extend({ retry: { calculateDelay } }))('a').catch((e: unknown) => e);
    expect(error).toBeInstanceOf(HTTPError);
    expect(seen('/a')).toEqual([value(1), value(2)]);
    expect(asked).toEqual([503]);
  });

  it('carries no token to where a redirect from another origin led', async () => {
    world.unlisted.on('/open', { status: 307, headers: { location: `${world.listed.origin}/a` } });
    answerWith(503, 200);
    await connect(got.extend({ retry }))('open', { prefixUrl: world.unlisted.origin });
    expect(seen('/a')).toEqual([undefined, undefined]);
  });
});

describe('A stream', () => {
  it('carries the token in both directions', async () => {
    const stream = connect().stream.post('a', { body: Readable.from([Buffer.from('streamed')]) });
    expect(await text(stream)).toBe('ok');
    expect(seen('/a')).toEqual([value(1)]);
    expect(String(world.listed.requests[0]?.body)).toBe('streamed');
  });

  it('takes the token off towards another origin', async () => {
    world.listed.on('/a', { status: 307, headers: { location: `${world.unlisted.origin}/b` } });
    await text(connect().stream('a'));
    expect(world.unlisted.seen('/b', 'authorization')).toEqual([undefined]);
  });

  it('fails with a refusal, of which the source is told', async () => {
    refuseFirstToken();
    const stream = connect().stream('a');
    const error = await finished(stream.resume()).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(HTTPError);
    expect(seen('/a')).toEqual([value(1)]);
    expect(world.source.refused).toEqual([world.source.token(1)]);
    expectNoToken(error, world.source);
    expect(await text(connect().stream('a'))).toBe('{"accepted":true}');
  });

  it('that the program retries carries the token of that time', async () => {
    refuseFirstToken();
    const body = await new Promise<string>((resolve, reject) => {
      const read = (stream: ReturnType<typeof got.stream>) => {
        stream.once('retry', (_count, _error, createRetryStream) => read(createRetryStream()));
        stream.once('error', reject);
        stream.once('response', () => text(stream).then(resolve, reject));
        stream.resume();
      };
      read(connect(got.extend({ retry: { limit: 1, statusCodes: [401], calculateDelay: () => 1 } })).stream('a'));
    });
    expect(body).toBe('{"accepted":true}');
    expect(seen('/a')).toEqual([value(1), value(2)]);
  });
});

describe('Pagination', () => {
  it('carries the token to the pages of listed origins', async () => {
    const page = (next: string | undefined, items: number[]) => {
      const headers: Record<string, string> = next === undefined ? {} : { link: `<${next}>; rel="next"` };
      return { body: JSON.stringify(items), headers };
    };
    world.listed.on('/a', page('/b', [1]));
    world.listed.on('/b', ({ headers }) =>
      headers.authorization === value(1) ? { status: 401 } : page(`${world.unlisted.origin}/c`, [2]),
    );
    world.unlisted.on('/c', page(`${world.listed.origin}/d`, [3]));
    world.listed.on('/d', page(undefined, [4]));
    expect(await connect().paginate.all('a')).toEqual([1, 2, 3, 4]);
    expect([...seen('/a'), ...seen('/b'), ...seen('/d')]).toEqual([value(1), value(1), value(2), value(2)]);
    expect(world.unlisted.seen('/c', 'authorization')).toEqual([undefined]);
  });

  it('by the options of the last page starts anew for the next one', async () => {
    const acceptOnly =
      (generation: number) =>
      ({ headers }: SeenRequest) =>
        headers.authorization === value(generation) ? { body: '[]' } : { status: 401 };
    world.listed.on('/a', acceptOnly(2));
    world.listed.on('/b', acceptOnly(3));
    await connect().paginate.all('a', {
      pagination: {
        requestLimit: 2,
        paginate: ({ response: { request } }) => {
          request.options.url = new URL(`${world.listed.origin}/b`);
          return request.options as OptionsInit;
        },
      },
    });
    expect([...seen('/a'), ...seen('/b')]).toEqual([value(1), value(2), value(2), value(3)]);
  });
});

describe('Errors', () => {
  it('of the source are the cause of a RequestError with their code', async () => {
    const reason = Object.assign(new Error('no token'), { code: 'ERR_TOKEN_EXPIRED' });
    world.source.getToken = () => Promise.reject(reason);
    const error = await connect()('a').catch((e: unknown) => e);
    expect(error).toBeInstanceOf(RequestError);
    expect(error).toMatchObject({ code: 'ERR_TOKEN_EXPIRED', cause: reason });
  });

  // got 15 has no `cancel` any more.
  it.runIf(CancelError !== undefined).each(['getToken', 'replaceToken'] as const)(
    'of a request that is canceled while it waits for %s',
    async (method) => {
      refuseFirstToken();
      const asked = new Promise<void>((resolve) => {
        world.source[method] = () => {
          resolve();
          return new Promise<never>(() => {});
        };
      });
      const response = connect()('a');
      await asked;
      response.cancel();
      await expect(response).rejects.toBeInstanceOf(CancelError);
    },
  );
});

it.each([
  ['of got', undefined],
  ['of the program', 'multipart/form-data; boundary="its own"'],
])('A form is sent again with its headers in their order, and the content type %s', async (_, type) => {
  const requests: SeenRequest[] = [];
  world.listed.on('/a', (request) => {
    requests.push(request);
    return { status: requests.length === 1 ? 401 : 200 };
  });
  const body = new FormData();
  body.append('field', 'value');
  await connect().post('a', { body, headers: { 'content-type': type } });
  const [first, second] = requests.map(({ headers }) => headers);
  expect(Object.keys(second ?? {})).toEqual(Object.keys(first ?? {}));
  for (const { headers, body } of requests) {
    if (type !== undefined) expect(headers['content-type']).toBe(type);
    else expect(String(body)).toContain(`--${headers['content-type']?.split('boundary=')[1]}`);
  }
});

it('A request with Expect carries the token, and shows it nowhere', async () => {
  const { request } = await connect()('a', { headers: { expect: '100-continue' } });
  expect(seen('/a')).toEqual([value(1)]);
  expectNoToken(request, world.source);
});
