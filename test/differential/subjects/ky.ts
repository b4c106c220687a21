import fc from 'fast-check';
import ky, { HTTPError, type KyResponse, type Options } from 'ky';
import { withToken } from 'projected-token/fetch';
import { oneIn, scenariosOf } from '../arbitraries.js';
import { makeBody } from '../make-body.js';
import { makeHeaders } from '../make-headers.js';
import { ABORTS_BEFORE_ANSWER, BODY_KINDS, type Scenario } from '../scenario.js';
import type { Scene } from '../scene.js';
import type { Subject } from '../subject.js';
import { usePlatformAgent } from './platform-dispatcher.js';

/** How a program uses ky. */
interface KyOptions {
  readonly reads: 'text' | 'json' | 'response';
  readonly members: Readonly<Record<string, unknown>>;
  readonly timeLimitMs: number | undefined;
  readonly hooks: boolean;
  readonly isJson: boolean;
}

const pick = <T>(...values: T[]) => fc.constantFrom(...values);

/** ky over a fetch with the token. */
export const kySubject: Subject<KyOptions> = {
  name: 'ky',
  scenarios: scenariosOf<KyOptions>({
    methods: ['GET', 'GET', 'GET', 'post', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD'],
    bodies: BODY_KINDS,
    headerForms: ['object', 'object', 'Headers', 'pairs'],
    aborts: ABORTS_BEFORE_ANSWER,
    waitsForBody: true,
    hasTimeLimit: ({ timeLimitMs }) => timeLimitMs !== undefined,
    options: fc.record({
      reads: pick<KyOptions['reads']>('text', 'json', 'response', 'response'),
      members: fc
        .record({
          redirect: oneIn(8, pick('manual', 'error')),
          throwHttpErrors: oneIn(4, pick(false)),
          searchParams: oneIn(6, pick<unknown>({ a: 1 }, 'b=2')),
          duplex: oneIn(2, pick('half')),
          credentials: oneIn(8, pick('omit', 'include')),
          integrity: oneIn(20, pick('sha256-wrong')),
        })
        .map((given) => Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))),
      timeLimitMs: oneIn(40, fc.constant(100)),
      hooks: pick(false, true),
      isJson: pick(false, false, true),
    }),
  }),
  // ky makes a Request of everything, and the body of a Request is kept while it is sent.
  canSendAgain: () => true,
  async exercise(scenario, scene) {
    usePlatformAgent(scene);
    const client = ky.create({
      fetch: scene.wrap(globalThis.fetch, withToken),
      // Two headers `Retry-After` at once ky cannot read: it would wait for 24 days, and the process with it.
      retry: { limit: 2, delay: () => 1, jitter: false, maxRetryAfter: 1 },
      timeout: scenario.options.timeLimitMs ?? false,
      ...(scenario.options.hooks ? { hooks: hooksOf(scene) } : {}),
    });
    await scene.perform(async (index) => {
      try {
        const response = client(scene.url(index), optionsOf(scenario, scene));
        if (scenario.options.reads !== 'response') return scene.tell('body', await response[scenario.options.reads]());
        await tellResponse('response', await response, scene);
      } catch (error) {
        scene.tell('error', error);
        if (error instanceof HTTPError) await tellResponse('response of error', error.response, scene);
      }
    });
  },
};

function optionsOf({ method, body: kind, headers: choice, options }: Scenario<KyOptions>, scene: Scene): Options {
  const given: Record<string, unknown> = { method, ...options.members };
  const body = makeBody(kind);
  if (body !== undefined) given[options.isJson ? 'json' : 'body'] = body;
  const headers = makeHeaders(choice);
  if (headers !== undefined) given.headers = headers;
  if (scene.signal !== undefined) given.signal = scene.signal;
  return given as Options;
}

function hooksOf(scene: Scene): Options['hooks'] {
  return {
    beforeRequest: [({ url, method, headers }) => scene.tell('beforeRequest', { url, method, headers })],
    beforeRetry: [({ error, retryCount }) => scene.tell('beforeRetry', { error, retryCount })],
    afterResponse: [(_request, _options, { status, url }) => scene.tell('afterResponse', { status, url })],
    beforeError: [
      (error) => {
        scene.tell('beforeError', error.message);
        return error;
      },
    ],
  };
}

async function tellResponse(what: string, response: KyResponse | Response, scene: Scene): Promise<void> {
  const { status, url, type, redirected, headers, bodyUsed } = response;
  scene.tell(what, { status, url, type, redirected, headers, bodyUsed });
  if (!bodyUsed) scene.tell(`body of ${what}`, await response.text());
}
