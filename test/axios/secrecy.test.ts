import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { inspect } from 'node:util';
import axios, { type AxiosError, type AxiosRequestConfig } from 'axios';
import { withToken } from 'projected-token/axios';
import { describe, expect, it } from 'vitest';
import { useHttpOrigins } from '../helpers/http-origins.js';
import { expectNoToken, FixedTokenSource } from '../helpers/http-token-source.js';

/** All that a logger can be made to show. */
const ALL = { depth: Number.POSITIVE_INFINITY, showHidden: true, getters: true };

const world = useHttpOrigins();

/** In each of these, what the program gets to see: a response, or an error. */
const SITUATIONS: Record<string, (send: (config?: AxiosRequestConfig) => Promise<unknown>) => Promise<unknown>> = {
  'a response': (send) => send(),
  'a refusal': (send) => {
    world.listed.on('/a', { status: 401, body: 'no' });
    return send();
  },
  'a refusal as a response': (send) => {
    world.listed.on('/a', { status: 401, body: 'no' });
    return send({ validateStatus: null });
  },
  'a header of that name without a value': (send) => send({ headers: { AUTHORIZATION: undefined } }),
  'an error of the server': (send) => {
    world.listed.on('/a', { status: 500, body: 'no' });
    return send({ data: { a: 1 }, method: 'post' });
  },
  'a timeout': (send) => {
    world.listed.on('/a', 'hang');
    return send({ timeout: 50 });
  },
  'a connection that broke': (send) => {
    world.listed.on('/a', 'break');
    return send();
  },
  'a response that is too long': (send) => send({ maxContentLength: 1 }),
  'a response that cannot be parsed': (send) => {
    world.listed.on('/a', { body: 'no JSON' });
    return send({ responseType: 'json', transitional: { silentJSONParsing: false } });
  },
  'a transformer that throws': (send) =>
    send({
      transformResponse: () => {
        throw new Error('not as expected');
      },
    }),
  'a redirect that was not followed': (send) => {
    world.listed.on('/a', { status: 307, headers: { location: '/b' } });
    return send({ maxRedirects: 0 });
  },
  'a redirect that was followed': (send) => {
    world.listed.on('/a', { status: 307, headers: { location: '/b' } });
    world.listed.on('/b', { status: 500 });
    return send();
  },
};

describe.each(['http', 'fetch'])('With the %s adapter, the token is not shown', (adapter) => {
  const VARIANTS = { Authorization: undefined, 'X-Vault-Token': { header: 'X-Vault-Token' } };

  describe.each(Object.entries(VARIANTS))('of the header %s', (_, carrier) => {
    it.each(Object.entries(SITUATIONS))('with %s', async (_, situation) => {
      const source = new FixedTokenSource(carrier);
      const client = withToken(axios.create({ baseURL: world.listed.origin, adapter }), source);
      const shown = await situation((config) => client.request({ url: '/a', ...config }).catch((e: unknown) => e));
      expect(source.reads).toBe(1);
      expect(world.listed.requests.length).toBeGreaterThan(0);
      expectNoToken(shown, source);
      expect(inspect(shown, ALL)).not.toContain(source.canary);
      if (!axios.isAxiosError(shown)) return;
      expect(shown).toBeInstanceOf(axios.AxiosError);
      expect(JSON.stringify(shown.toJSON())).not.toContain(source.canary);
      expect(JSON.parse(JSON.stringify(shown.config)).adapter).toBe(adapter);
    });
  });

  it('by the stream of a response, before and after it failed', async () => {
    world.listed.on('/a', { body: 'longer than one byte' });
    const client = withToken(axios.create({ baseURL: world.listed.origin, adapter }), world.source);
    const response = await client
      .get<Readable>('/a', { responseType: 'stream', maxContentLength: 1 })
      .catch((error: AxiosError) => error);
    expectNoToken(response, world.source);
    if (axios.isAxiosError(response)) return;
    const error = await text(response.data).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(axios.AxiosError);
    expectNoToken(error, world.source);
  });
});

it('By a request that is sent while another one is logged, the token is not shown', async () => {
  world.listed.on('/hang', 'hang');
  world.listed.on('/a', { status: 500 });
  const client = withToken(axios.create({ baseURL: world.listed.origin }), world.source);
  const abort = new AbortController();
  const hanging = client.get('/hang', { signal: abort.signal }).catch((e: unknown) => e);
  await expect.poll(() => world.listed.requests.length).toBe(1);
  const error = await client.get('/a').catch((e: unknown) => e);
  expect(inspect(error, ALL)).not.toContain(world.source.canary);
  expect(JSON.stringify(error)).not.toContain(world.source.canary);
  abort.abort();
  await hanging;
});
