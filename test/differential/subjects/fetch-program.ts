import fc from 'fast-check';
import { oneIn, scenariosOf } from '../arbitraries.js';
import { makeBody } from '../make-body.js';
import { makeHeaders } from '../make-headers.js';
import { ABORT_MOMENTS, BODY_KINDS, HEADER_FORMS, type Scenario } from '../scenario.js';
import type { Scene } from '../scene.js';

/** How a program calls fetch, besides method, headers, body and signal. */
export interface FetchOptions {
  readonly input: 'text' | 'URL' | 'Request' | 'Request and init';
  /** More members of `RequestInit`. */
  readonly init: Readonly<Record<string, unknown>>;
  readonly timeLimitMs: number | undefined;
  readonly reads: 'text' | 'json' | 'arrayBuffer' | 'chunks' | 'clone' | 'nothing';
  /** Whether the init has a dispatcher: an agent of the undici that is in Node, or one of the package. */
  readonly dispatcher: 'of Node' | 'of undici' | undefined;
  /** Every member of the init is a getter that tells that it was read. */
  readonly watchesInit: boolean;
}

type Fetch = typeof fetch;
/** `Request` of the fetch that is called: another copy of undici has its own. */
type RequestClass = typeof Request;

const SHA256_OF_TEXT = 'sha256-mC2ePrmW9VnmM/TRlN7zdh2Qn1o7ZH0ahR/q1nwyydE=';

const constants = (...values: unknown[]) => oneIn(5, fc.constantFrom(...values));

const init = fc
  .record({
    redirect: constants('follow', 'manual', 'error', 'bad'),
    mode: constants('cors', 'no-cors', 'same-origin', 'navigate', 'bad'),
    credentials: constants('omit', 'same-origin', 'include'),
    cache: constants('default', 'no-store', 'reload', 'no-cache', 'force-cache', 'only-if-cached'),
    referrer: constants('', 'about:client', 'http://127.0.0.1/from?x=1', 'no url'),
    referrerPolicy: constants('', 'no-referrer', 'origin', 'unsafe-url', 'same-origin', 'strict-origin', 'bad'),
    integrity: oneIn(10, fc.constantFrom(SHA256_OF_TEXT, 'sha256-wrong', 'bad')),
    keepalive: constants(true, false),
    duplex: oneIn(2, fc.constantFrom('half', 'half', 'half', 'full')),
    window: oneIn(20, fc.constantFrom(null, 1)),
    priority: oneIn(20, fc.constantFrom('high', 'bad')),
    signal: oneIn(25, fc.constantFrom<unknown>({}, null, 'signal')),
  })
  .map((members) => Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)));

/** Scenarios of everything that the Fetch standard lets a program say. */
export const fetchScenarios: fc.Arbitrary<Scenario<FetchOptions>> = scenariosOf<FetchOptions>({
  methods: [
    'GET',
    'GET',
    'GET',
    'POST',
    'POST',
    'PUT',
    'PATCH',
    'DELETE',
    'HEAD',
    'OPTIONS',
    'get',
    'patch',
    'FOO',
    'TRACE',
    'b d',
  ],
  bodies: BODY_KINDS,
  headerForms: HEADER_FORMS,
  aborts: ABORT_MOMENTS,
  hasTimeLimit: ({ timeLimitMs }) => timeLimitMs !== undefined,
  options: fc.record({
    dispatcher: oneIn(3, fc.constantFrom<FetchOptions['dispatcher']>('of Node', 'of undici')),
    input: fc.constantFrom<FetchOptions['input']>('text', 'text', 'text', 'URL', 'Request', 'Request and init'),
    init,
    timeLimitMs: oneIn(40, fc.constant(100)),
    reads: fc.constantFrom<FetchOptions['reads']>(
      'text',
      'text',
      'text',
      'json',
      'arrayBuffer',
      'chunks',
      'clone',
      'nothing',
    ),
    watchesInit: oneIn(6, fc.constant(true)).map(Boolean),
  }),
});

/**
 * Sends with a fetch as the scenario says, and tells all that came of it.
 *
 * @param dispatcher - a member of each init
 */
export async function callFetch(
  fetch: Fetch,
  OwnRequest: RequestClass,
  scenario: Scenario<FetchOptions>,
  scene: Scene,
  dispatcher?: unknown,
): Promise<void> {
  scene.tell('function', { name: fetch.name, length: fetch.length, keys: Reflect.ownKeys(fetch).map(String) });
  await scene.perform(async (index) => {
    const { input, init: members, timeLimitMs, watchesInit } = scenario.options;
    const body = makeBody(scenario.body);
    const given: Record<string, unknown> = { method: scenario.method };
    if (body !== undefined) given.body = body;
    const headers = makeHeaders(scenario.headers);
    if (headers !== undefined) given.headers = headers;
    const signal = timeLimitMs === undefined ? scene.signal : AbortSignal.timeout(timeLimitMs);
    if (signal !== undefined) given.signal = signal;
    Object.assign(given, members, dispatcher === undefined ? {} : { dispatcher });
    const shown = watchesInit ? watched(given, scene) : given;
    const url = scene.url(index);
    const response = await sendBy(fetch, OwnRequest, input, url, shown);
    scene.reached('at the response');
    tellResponse(response, scene);
    await read(response, scenario.options.reads, scene);
    scene.tell('afterwards', { bodyUsed: response.bodyUsed, locked: response.body?.locked });
  });
}

function sendBy(
  fetch: Fetch,
  OwnRequest: RequestClass,
  input: FetchOptions['input'],
  url: string,
  init: Record<string, unknown>,
): Promise<Response> {
  if (input === 'text') return fetch(url, init);
  if (input === 'URL') return fetch(new URL(url), init);
  if (input === 'Request') return fetch(new OwnRequest(url, init));
  const { headers, ...others } = init;
  return fetch(new OwnRequest(url, others), { headers: headers as RequestInit['headers'] });
}

function watched(init: Record<string, unknown>, scene: Scene): Record<string, unknown> {
  const shown = {};
  for (const [name, value] of Object.entries(init)) {
    const get = () => {
      scene.tell(`init ${name} is read`);
      return value;
    };
    Object.defineProperty(shown, name, { get, enumerable: true });
  }
  return shown;
}

function tellResponse(response: Response, scene: Scene): void {
  const { type, status, statusText, ok, url, redirected, headers, bodyUsed } = response;
  scene.tell('response', {
    type,
    status,
    statusText,
    ok,
    url,
    redirected,
    headers,
    cookies: headers.getSetCookie(),
    bodyUsed,
    body: response.body === null ? null : typeof response.body,
    own: Reflect.ownKeys(response).map(String),
    of: response.constructor.name,
  });
}

async function read(response: Response, reads: FetchOptions['reads'], scene: Scene): Promise<void> {
  if (reads === 'nothing') return;
  if (reads === 'chunks') {
    let bytes = '';
    try {
      for await (const chunk of response.body ?? []) {
        bytes += Buffer.from(chunk as Uint8Array).toString('latin1');
        scene.reached('at the first bytes');
      }
    } finally {
      scene.tell('bytes', bytes);
    }
  } else if (reads === 'clone') {
    const copy = response.clone();
    scene.tell('clone', await Promise.all([response.text(), copy.text()]));
  } else {
    scene.tell('body', await response[reads]());
  }
}
