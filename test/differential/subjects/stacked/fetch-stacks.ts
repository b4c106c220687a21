import fc from 'fast-check';
import { GraphQLClient } from 'graphql-request';
import { Octokit } from 'octokit';
import OpenAI from 'openai';
import createClient from 'openapi-fetch';
import { withToken } from 'projected-token/fetch';
import { oneIn, scenariosOf } from '../../arbitraries.js';
import { makeHeaders } from '../../make-headers.js';
import type { Scenario } from '../../scenario.js';
import type { Scene } from '../../scene.js';
import type { Subject } from '../../subject.js';
import { usePlatformAgent } from '../platform-dispatcher.js';

interface StackOptions {
  readonly redirect: 'follow' | 'manual' | 'error' | undefined;
  readonly retries: number;
}

type Fetch = typeof fetch;
type Call = (fetch: Fetch, scenario: Scenario<StackOptions>, scene: Scene, index: number) => Promise<unknown>;

const scenarios = scenariosOf<StackOptions>({
  methods: ['GET', 'GET', 'POST', 'POST', 'PUT', 'DELETE'],
  bodies: ['object'],
  headerForms: ['object'],
  aborts: ['before the call', 'in the same turn', 'in the next turn', 'once the server has the request'],
  hasTimeLimit: () => false,
  options: fc.record({
    redirect: oneIn(8, fc.constantFrom<StackOptions['redirect']>('manual', 'error', 'follow')),
    retries: fc.constantFrom(0, 0, 0, 0, 0, 0, 1),
  }),
});

const BODY = { model: 'a', items: [1, null, 'caf\u00e9'] };

/** Libraries that send by a fetch which they are given. */
const LIBRARIES: Readonly<Record<string, Call>> = {
  'openapi-fetch': async (fetch, { method, body, headers, options }, scene, index) => {
    const client = createClient({ baseUrl: scene.origins[scene.scenario.origin], fetch });
    const init: Record<string, unknown> = {
      headers: makeHeaders(headers),
      redirect: options.redirect,
      parseAs: 'text',
    };
    if (scene.signal !== undefined) init.signal = scene.signal;
    if (body === 'object') init.body = BODY;
    const request = client.request as unknown as (method: string, path: string, init: object) => Promise<never>;
    const { data, error, response } = await request(method.toLowerCase(), scene.path(index), init);
    const { status, url, type, redirected } = response as Response;
    return { data, error, status, url, type, redirected };
  },
  octokit: async (fetch, { method, body, headers, options }, scene, index) => {
    const octokit = new Octokit({
      baseUrl: scene.origins[scene.scenario.origin],
      request: { fetch, redirect: options.redirect, signal: scene.signal },
      throttle: { enabled: false },
      retry: { retries: options.retries, retryAfterBaseValue: 1 },
      log: { debug() {}, info() {}, warn: (text: string) => scene.tell('warning', text), error() {} },
    });
    const given = { headers: makeHeaders(headers), ...(body === 'object' ? { data: BODY } : {}) };
    const {
      status,
      url,
      headers: received,
      data,
    } = await octokit.request(`${method} ${scene.path(index)}`, given as never);
    return { status, url, received, data: data instanceof ArrayBuffer ? new Uint8Array(data) : data };
  },
  'client of openai': async (fetch, { method, body, headers, options }, scene, index) => {
    const client = new OpenAI({
      apiKey: 'of-openai',
      baseURL: scene.origins[scene.scenario.origin],
      fetch,
      maxRetries: 0,
      fetchOptions: { redirect: options.redirect },
      defaultHeaders: makeHeaders(headers) as never,
    });
    const given = { signal: scene.signal, ...(body === 'object' ? { body: BODY } : {}) };
    const send = client[method.toLowerCase() as 'get' | 'post' | 'put' | 'delete'].bind(client);
    return send(scene.path(index), given);
  },
  'graphql-request': async (fetch, { method, headers, options }, scene, index) => {
    const client = new GraphQLClient(scene.url(index), {
      fetch,
      method: method === 'GET' ? 'GET' : 'POST',
      headers: makeHeaders(headers) as never,
      redirect: options.redirect,
      signal: scene.signal,
      errorPolicy: 'none',
    });
    return client.rawRequest('query Name($a: Int) { field(a: $a) }', { a: 1 });
  },
};

/** Each of them over a fetch with the token. */
export const fetchStacks: readonly Subject<StackOptions>[] = Object.entries(LIBRARIES).map(([name, call]) => ({
  name,
  scenarios: name === 'client of openai' ? scenarios.map(withKeyOfOpenAi) : scenarios,
  canSendAgain: () => true,
  async exercise(scenario, scene) {
    usePlatformAgent(scene);
    const fetch = scene.wrap(globalThis.fetch, withToken);
    await scene.perform(async (index) => scene.tell('result', await call(fetch, scenario, scene, index)));
  },
}));

/** It sends its key as `Authorization`, which is then left alone. */
function withKeyOfOpenAi(scenario: Scenario<StackOptions>): Scenario<StackOptions> {
  const entries = scenario.headers?.entries.filter(([name]) => name.toLowerCase() !== 'authorization') ?? [];
  return { ...scenario, headers: { form: 'object', entries: [...entries, ['Authorization', 'Bearer of-openai']] } };
}
