import fc from 'fast-check';
import { createFetch, type FetchOptions } from 'ofetch';
import { withToken } from 'projected-token/fetch';
import { oneIn, scenariosOf } from '../arbitraries.js';
import { isOneShot, makeBody } from '../make-body.js';
import { makeHeaders } from '../make-headers.js';
import { ABORTS_BEFORE_ANSWER, BODY_KINDS, type Scenario } from '../scenario.js';
import type { Scene } from '../scene.js';
import type { Subject } from '../subject.js';
import { usePlatformAgent } from './platform-dispatcher.js';

/** How a program uses ofetch. */
interface OfetchOptions {
  readonly members: Readonly<Record<string, unknown>>;
  readonly timeLimitMs: number | undefined;
  readonly hooks: boolean;
  readonly isRaw: boolean;
}

const pick = <T>(...values: T[]) => fc.constantFrom(...values);

/** ofetch over a fetch with the token. */
export const ofetchSubject: Subject<OfetchOptions> = {
  name: 'ofetch',
  scenarios: scenariosOf<OfetchOptions>({
    methods: ['GET', 'GET', 'GET', 'post', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD'],
    bodies: BODY_KINDS,
    headerForms: ['object', 'object', 'Headers', 'pairs'],
    aborts: ABORTS_BEFORE_ANSWER,
    waitsForBody: true,
    hasTimeLimit: ({ timeLimitMs }) => timeLimitMs !== undefined,
    options: fc.record({
      members: fc
        .record({
          redirect: oneIn(8, pick('manual', 'error')),
          ignoreResponseError: oneIn(4, pick(true)),
          query: oneIn(6, pick<unknown>({ a: 1 })),
          responseType: oneIn(4, pick('text', 'json', 'blob', 'arrayBuffer')),
          retry: oneIn(3, pick<unknown>(false, 2)),
          duplex: oneIn(2, pick('half')),
          credentials: oneIn(8, pick('omit', 'include')),
        })
        .map((given) => Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))),
      timeLimitMs: oneIn(40, fc.constant(100)),
      hooks: pick(false, true),
      isRaw: pick(false, true),
    }),
  }),
  canSendAgain: ({ body }) => !isOneShot(body),
  async exercise(scenario, scene) {
    usePlatformAgent(scene);
    const client = createFetch({ fetch: scene.wrap(globalThis.fetch, withToken), Headers, AbortController });
    const { isRaw } = scenario.options;
    await scene.perform(async (index) => {
      try {
        if (!isRaw) return scene.tell('body', await client(scene.url(index), optionsOf(scenario, scene)));
        const { status, url, headers, _data } = await client.raw(scene.url(index), optionsOf(scenario, scene));
        scene.tell('response', { status, url, headers, _data });
      } catch (error) {
        scene.tell('error', error);
        const { status, data } = error as { status?: number; data?: unknown };
        scene.tell('parts of error', { status, data });
      }
    });
  },
};

function optionsOf(
  { method, body: kind, headers: choice, options }: Scenario<OfetchOptions>,
  scene: Scene,
): FetchOptions {
  const given: Record<string, unknown> = { method, ...options.members };
  const body = makeBody(kind);
  if (body !== undefined) given.body = body;
  const headers = makeHeaders(choice);
  if (headers !== undefined) given.headers = headers;
  if (scene.signal !== undefined) given.signal = scene.signal;
  if (options.timeLimitMs !== undefined) given.timeout = options.timeLimitMs;
  return { ...given, ...(options.hooks ? hooksOf(scene) : {}) } as FetchOptions;
}

function hooksOf(scene: Scene): FetchOptions {
  return {
    onRequest: ({ request, options }) => scene.tell('onRequest', { request, headers: options.headers }),
    onRequestError: ({ error }) => scene.tell('onRequestError', error),
    onResponse: ({ response: { status, url, redirected, type } }) =>
      scene.tell('onResponse', { status, url, redirected, type }),
    onResponseError: ({ response: { status } }) => scene.tell('onResponseError', status),
  };
}
