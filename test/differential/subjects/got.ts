import fc from 'fast-check';
import got, { type CancelableRequest, type Got, type OptionsInit, RequestError, type Response } from 'got';
import { withToken } from 'projected-token/got';
import { oneIn, scenariosOf, withGoAway, withListedBase } from '../arbitraries.js';
import { isOneShot, isUnframed, makeBody } from '../make-body.js';
import { makeHeaders } from '../make-headers.js';
import { ABORT_MOMENTS, type Scenario } from '../scenario.js';
import type { Scene } from '../scene.js';
import type { Subject } from '../subject.js';
import { gotAgents } from './got-agents.js';

/** How a program uses got. */
interface GotOptions {
  readonly call: 'promise' | 'stream' | 'json()' | 'text()' | 'cancel';
  readonly bodyAs: 'body' | 'json' | 'form';
  /** Members of the options that can be written down. */
  readonly members: Readonly<Record<string, unknown>>;
  readonly timeLimitMs: number | undefined;
  readonly hasPrefixUrl: boolean;
  readonly keepAlive: boolean;
  readonly hooks: 'tell' | 'throw' | undefined;
  readonly listens: boolean;
  readonly retries: number;
}

const pick = <T>(...values: T[]) => fc.constantFrom(...values);

const members = fc
  .record({
    followRedirect: oneIn(8, pick<unknown>(false)),
    methodRewriting: oneIn(5, pick(false)),
    maxRedirects: oneIn(8, pick<unknown>(0, 1, 2, -1)),
    throwHttpErrors: oneIn(4, pick<unknown>(false)),
    responseType: oneIn(5, pick<unknown>('json', 'buffer', 'text', 'bad')),
    decompress: oneIn(12, pick(false)),
    searchParams: oneIn(8, pick<unknown>({ a: 1, b: null }, 'x=1&x=2', { bad: {} })),
    resolveBodyOnly: oneIn(12, pick(true)),
    allowGetBody: oneIn(6, pick(true)),
    username: oneIn(20, pick('user')),
    password: oneIn(20, pick('secret')),
    context: oneIn(6, pick<unknown>({ mine: 1 }, 'text')),
    setHost: oneIn(30, pick(false)),
    ignoreInvalidCookies: oneIn(30, pick(true)),
    encoding: oneIn(25, pick<unknown>('latin1', 'bad')),
    unknownOption: oneIn(60, pick(1)),
    http2: oneIn(60, pick<unknown>('yes')),
  })
  .map((given) => Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)));

const scenarios = withListedBase(
  scenariosOf<GotOptions>({
    methods: ['GET', 'GET', 'GET', 'POST', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'TRACE', 'get', 'FOO'],
    bodies: [
      'null',
      'text',
      'empty text',
      'Buffer',
      'Uint8Array',
      'FormData',
      'FormData with a file',
      'URLSearchParams',
      'Readable',
      'failing Readable',
      'async iterable',
      'number',
      'object',
    ],
    headerForms: ['object', 'object', 'object', 'object', 'Headers', 'text', 'pairs', 'numbers'],
    aborts: ABORT_MOMENTS,
    hasTimeLimit: ({ timeLimitMs }) => timeLimitMs !== undefined,
    options: fc.record({
      call: pick<GotOptions['call']>('promise', 'promise', 'promise', 'stream', 'json()', 'text()', 'cancel'),
      bodyAs: pick<GotOptions['bodyAs']>('body', 'body', 'body', 'json', 'form'),
      members,
      timeLimitMs: oneIn(40, fc.constant(100)),
      hasPrefixUrl: pick(false, false, true),
      keepAlive: pick(true, true, false),
      hooks: oneIn(3, pick<GotOptions['hooks']>('tell', 'tell', 'tell', 'throw')),
      listens: oneIn(3, pick(true)).map(Boolean),
      retries: pick(0, 0, 1, 2),
    }),
  }),
  (options) => options.hasPrefixUrl,
).map((scenario) => (isUnframed(scenario.method, scenario.body) ? { ...scenario, body: 'text' as const } : scenario));

/** got by its promises and by its streams. */
export const gotSubject: Subject<GotOptions> = {
  name: 'got',
  // A stream is not sent again, and at a later hop the bare client would have to meet the refusal too.
  scenarios: scenarios
    .map((scenario) =>
      scenario.options.call === 'stream' && scenario.refusedAt !== 0 ? { ...scenario, refusedAt: undefined } : scenario,
    )
    // It waits for its hooks, before each hop of a redirect too.
    .map((scenario) => withGoAway(scenario, true)),
  canSendAgain: ({ body, options: { bodyAs, call } }) => call !== 'stream' && (bodyAs !== 'body' || !isOneShot(body)),
  hasOwnHeader({ headers, carrier, options: { members } }) {
    if (carrier === 'Authorization' && ('username' in members || 'password' in members)) return true;
    // got reads the headers of a plain object only. One without a value is to got none.
    const given = headers?.form === 'object' ? Object.entries(makeHeaders(headers) as object) : [];
    const own = given.findLast(([name]) => name.toLowerCase() === carrier.toLowerCase());
    return own?.[1] !== undefined;
  },
  async exercise(scenario, scene) {
    const { options } = scenario;
    const agent = gotAgents(options.keepAlive, scene);
    const retry = {
      limit: options.retries,
      calculateDelay: ({ computedValue }: { computedValue: number }) => computedValue && 1,
    };
    const bare = got.extend({
      agent,
      retry,
      https: { certificateAuthority: scene.ca },
      http2: scenario.transport.offersHttp2,
      ...(options.hasPrefixUrl ? { prefixUrl: scene.origins[scenario.origin] } : {}),
      ...(options.hooks === undefined ? {} : { hooks: hooksOf(options.hooks, scene) }),
    });
    const client = scene.wrap(bare, withToken);
    scene.tell('instance', Object.keys(client));
    await scene.perform((index) => send(client, scenario, scene, index));
  },
};

async function send(client: Got, scenario: Scenario<GotOptions>, scene: Scene, index: number): Promise<void> {
  const { call, hasPrefixUrl } = scenario.options;
  const url = hasPrefixUrl ? scene.path(index).slice(1) : scene.url(index);
  const options = optionsOf(scenario, scene);
  if (call === 'stream') return stream(client, url, options, scenario, scene);
  try {
    const promise = client(url, options) as CancelableRequest<unknown>;
    if (scenario.options.listens) listen(promise as never, scene);
    if (call === 'cancel') setImmediate(() => promise.cancel());
    if (call === 'json()') return scene.tell('json()', await promise.json());
    if (call === 'text()') return scene.tell('text()', await promise.text());
    const response: unknown = await promise;
    scene.reached('at the response');
    if (isResponse(response)) tellResponse('response', response, scene);
    else scene.tell('body only', response);
  } catch (error) {
    tellError(error, scene);
  }
}

async function stream(
  client: Got,
  url: string,
  options: OptionsInit,
  scenario: Scenario<GotOptions>,
  scene: Scene,
): Promise<void> {
  try {
    const request = client.stream(url, options as never);
    if (scenario.options.listens) listen(request as never, scene);
    request.on('response', (response: Response) => {
      tellResponse('response', response, scene, false);
      scene.reached('at the response');
    });
    request.on('redirect', (_response: unknown, next: { url: URL }) => scene.tell('redirect', String(next.url)));
    // A stream that may have a body waits for its end.
    if (!Object.keys(options).some((name) => ['body', 'json', 'form'].includes(name))) request.end();
    let bytes = '';
    for await (const chunk of request) {
      bytes += Buffer.from(chunk as Uint8Array).toString('latin1');
      scene.reached('at the first bytes');
    }
    scene.tell('bytes', bytes);
  } catch (error) {
    tellError(error, scene);
  }
}

function optionsOf({ method, body: kind, headers: choice, options }: Scenario<GotOptions>, scene: Scene): OptionsInit {
  const given: Record<string, unknown> = { method, ...options.members };
  const body = makeBody(kind);
  if (body !== undefined) given[options.bodyAs] = body;
  const headers = makeHeaders(choice);
  if (headers !== undefined) given.headers = headers;
  if (scene.signal !== undefined) given.signal = scene.signal;
  if (options.timeLimitMs !== undefined) given.timeout = { request: options.timeLimitMs };
  return given as OptionsInit;
}

function listen(emitter: { on(event: string, listener: (...details: never[]) => void): unknown }, scene: Scene): void {
  for (const event of ['request', 'uploadProgress', 'downloadProgress', 'retry', 'redirect']) {
    emitter.on(event, (...details: unknown[]) => {
      scene.tell(`event ${event}`, event.endsWith('Progress') ? details[0] : details.length);
    });
  }
}

function hooksOf(does: 'tell' | 'throw', scene: Scene): OptionsInit['hooks'] {
  const told = ({ headers, url, method, context, body, json, form, retry }: Record<string, unknown>) => ({
    ...{ headers, method, context, json, form },
    url: String(url),
    body: typeof body === 'object' ? body?.constructor?.name : body,
    retry: (retry as { limit: number }).limit,
  });
  return {
    // To make an instance calls them too, that of `withToken` as well.
    init: [(plain) => 'method' in plain && scene.tell('init', Object.keys(plain))],
    beforeRequest: [(options) => scene.tell('beforeRequest', told(options as never))],
    beforeRedirect: [
      (options, { statusCode }) => {
        scene.tell('beforeRedirect', { ...told(options as never), statusCode });
        if (does === 'throw') throw new Error('The program does not follow.');
      },
    ],
    beforeRetry: [(error, count) => scene.tell('beforeRetry', { message: error.message, count })],
    beforeError: [
      (error) => {
        scene.tell('beforeError', { message: error.message, code: error.code });
        return error;
      },
    ],
    afterResponse: [
      (response) => {
        scene.tell('afterResponse', { status: response.statusCode, ...told(response.request.options as never) });
        if (does === 'throw') throw new Error('The program does not take it.');
        return response;
      },
    ],
  };
}

function isResponse(value: unknown): value is Response {
  return typeof value === 'object' && value !== null && 'statusCode' in value;
}

function tellResponse(what: string, response: Response, scene: Scene, hasBody = true): void {
  const { statusCode, statusMessage, headers, rawHeaders, url, requestUrl, redirectUrls, isFromCache, retryCount, ok } =
    response;
  scene.tell(what, {
    ...{ statusCode, statusMessage, headers, rawHeaders, url, redirectUrls, isFromCache, retryCount, ok },
    requestUrl: String(requestUrl),
    of: response.constructor.name,
    keys: Object.keys(response).filter((key) => !key.startsWith('_')),
    phases: Object.keys(response.timings ?? {}),
    body: hasBody ? response.body : undefined,
  });
  tellOptions(response.request?.options as never, scene);
}

function tellError(error: unknown, scene: Scene): void {
  if (!(error instanceof RequestError)) {
    scene.tell('another error', error);
    return;
  }
  scene.tell('error', error);
  scene.tell('parts of error', {
    keys: Object.keys(error),
    request: error.request?.constructor?.name,
    phases: Object.keys(error.timings ?? {}),
  });
  if (error.options !== undefined) tellOptions(error.options as never, scene);
  if (error.response !== undefined) tellResponse('response of error', error.response, scene);
}

function tellOptions(options: Record<string, unknown> | undefined, scene: Scene): void {
  if (options === undefined) {
    scene.tell('no options');
    return;
  }
  const { headers, method, url, context, followRedirect, maxRedirects, cache, request, searchParams } = options;
  const hooks = Object.entries(options.hooks as Record<string, unknown[]>).map(
    ([name, { length }]) => `${name} ${length}`,
  );
  scene.tell('options', {
    ...{ headers, method, context, followRedirect, maxRedirects, request: typeof request, cache: typeof cache },
    url: String(url),
    searchParams: String(searchParams),
    hooks: hooks.length,
  });
}
