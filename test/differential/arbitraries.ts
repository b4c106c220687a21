import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import {
  type Abort,
  type Answer,
  type AnswerFault,
  type BodyKind,
  type HeaderChoice,
  type HeaderForm,
  LISTED,
  type Location,
  ORIGIN_NAMES,
  type Scenario,
  type Transport,
} from './scenario.js';

/** What a client is asked for; each has its own headers, bodies and options. */
export interface ScenarioChoices<Options> {
  readonly methods: readonly string[];
  readonly bodies: readonly BodyKind[];
  readonly headerForms: readonly HeaderForm[];
  readonly aborts: readonly Abort['moment'][];
  readonly options: fc.Arbitrary<Options>;
  /** Whether the request ends by itself when the server is silent. */
  readonly hasTimeLimit: (options: Options) => boolean;
  /** The time limit ends with the response, whose body may take for ever. */
  readonly waitsForBody?: boolean;
}

/** An option in one of so many cases. */
export function oneIn<T>(times: number, arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.oneof({ weight: times - 1, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });
}

const pick = <T>(...values: T[]) => fc.constantFrom(...values);

const GZIPPED = gzipSync('a compressed text').toString('latin1');

const responseHeader: fc.Arbitrary<readonly [string, string]> = pick<readonly [string, string]>(
  ['Content-Type', 'application/json'],
  ['Content-Type', 'text/plain; charset=utf-8'],
  ['content-type', 'application/octet-stream'],
  ['Set-Cookie', 'a=1; Path=/'],
  ['Set-Cookie', 'b=2'],
  ['ETag', '"5"'],
  ['Cache-Control', 'max-age=60'],
  ['Link', '<https://example.test/?page=2>; rel="next"'],
  ['X-Empty', ''],
  ['X-Latin', 'caf\xe9'],
  ['Retry-After', '0'],
  ['Referrer-Policy', 'no-referrer'],
  ['Referrer-Policy', 'origin'],
  ['Referrer-Policy', 'unsafe-url'],
  ['Connection', 'close'],
  ['Keep-Alive', 'timeout=1'],
  ['WWW-Authenticate', 'Bearer realm="x"'],
);

const faults = pick<AnswerFault>(
  'reset',
  'end',
  'half a head',
  'garbage',
  'half a body, then reset',
  'half a body, then end',
);

/** The last answer of a chain. */
const finalAnswer: fc.Arbitrary<Answer> = fc
  .record({
    status: fc.oneof(
      { weight: 4, arbitrary: pick(200) },
      { weight: 3, arbitrary: pick(201, 203, 204, 206, 299, 304, 400, 401, 403, 404, 407, 409, 413, 418, 429) },
      { weight: 1, arbitrary: pick(500, 502, 503, 504, 599, 300, 305, 306) },
    ),
    headers: fc.array(responseHeader, { maxLength: 4 }),
    body: fc.oneof(
      pick(
        '',
        'text',
        '{"a":1,"b":[true,null]}',
        'caf\xc3\xa9',
        '\xef\xbb\xbf{"bom":1}',
        '{"broken":',
        'x'.repeat(3000),
      ),
    ),
    framing: pick<Answer['framing']>('length', 'length', 'chunked', 'close'),
    encoding: oneIn(10, pick<'sound' | 'broken' | 'unknown'>('sound', 'broken', 'unknown')),
    fault: oneIn(7, faults),
    hints: pick(false, false, false, false, false, false, false, true),
    trailers: oneIn(12, fc.constant([['X-Trailer', 'value'] as const])),
  })
  .map(({ encoding, ...answer }) => {
    if (encoding === undefined) return answer;
    const name = encoding === 'unknown' ? 'snappy' : 'gzip';
    const body = encoding === 'sound' ? GZIPPED : answer.body;
    return { ...answer, body, headers: [...answer.headers, ['Content-Encoding', name] as const] };
  });

const target: fc.Arbitrary<Location> = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.record({
      origin: fc.oneof(
        { weight: 3, arbitrary: pick('listed' as const) },
        { weight: 3, arbitrary: pick(...ORIGIN_NAMES) },
      ),
      suffix: pick('', '', '', '?b=2', '#part', '?a=%20b#c'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      text: pick(
        '/{series}/relative',
        'relative?x=1',
        '?only=query',
        '#only-fragment',
        '',
        'http://[',
        'http://',
        'ftp://127.0.0.1/x',
        'data:text/plain,x',
        'javascript:alert(1)',
        '//127.0.0.1:1/closed',
        '/caf\xc3\xa9 with space',
        'http://user:password@127.0.0.1:1/',
      ),
    }),
  },
);

const redirect: fc.Arbitrary<Answer> = fc.record({
  status: pick(301, 302, 303, 307, 308),
  headers: fc.array(responseHeader, { maxLength: 2 }),
  body: pick('', 'moved'),
  framing: pick<Answer['framing']>('length', 'length', 'chunked', 'close'),
  location: target,
});

const chain: fc.Arbitrary<readonly Answer[]> = fc
  .tuple(
    fc.oneof(
      { weight: 5, arbitrary: fc.constant<Answer[]>([]) },
      { weight: 5, arbitrary: fc.array(redirect, { minLength: 1, maxLength: 3 }) },
    ),
    finalAnswer,
    // A chain without an end: the last answer is given to every further hop.
    pick(...Array<boolean>(24).fill(false), true),
  )
  .map(([hops, last, isEndless]) => (isEndless && hops.length > 0 ? hops : [...hops, last]));

const transport: fc.Arbitrary<Transport> = fc.record({
  schemes: pick<Transport['schemes']>('http', 'http', 'http', 'http', 'https', 'https', 'mixed'),
  isTrusted: pick(...Array<boolean>(14).fill(true), false),
  offersHttp2: pick(false, true),
});

const FRAMING: Readonly<Record<string, string>> = Object.assign(Object.create(null), {
  'Content-Length': '0',
  'Transfer-Encoding': 'chunked',
});

const headerEntry: fc.Arbitrary<readonly [string, unknown]> = fc
  .tuple(
    fc.oneof(
      {
        weight: 8,
        arbitrary: pick(
          'X-Custom',
          'x-lower',
          'ACCEPT',
          'accept',
          'User-Agent',
          'Content-Type',
          'Cookie',
          'Referer',
          'Range',
        ),
      },
      {
        weight: 3,
        arbitrary: pick('Accept-Encoding', 'X-Custom', 'Cache-Control', 'If-None-Match', 'Origin', 'Via', 'TE'),
      },
      { weight: 1, arbitrary: pick('Authorization', 'authorization', 'AUTHORIZATION', 'Proxy-Authorization') },
      { weight: 1, arbitrary: pick('Host', 'Content-Length', 'Transfer-Encoding', 'Connection', 'Expect', 'Upgrade') },
      { weight: 1, arbitrary: pick('bad name', '', 'x\ny', 'caf\xe9', '__proto__', ':path') },
    ),
    fc.oneof(
      { weight: 8, arbitrary: pick<unknown>('value', 'text/plain', '0', ' spaced ', 'a, b', '') },
      { weight: 1, arbitrary: pick<unknown>('caf\xe9', '\u20ac', 'a\nb', 'a\r\nX-Injected: 1', '\0') },
      { weight: 1, arbitrary: pick<unknown>(null, undefined, 5, true, ['a', 'b'], [], [null], { a: 1 }, 'close') },
    ),
  )
  // A length that no body keeps would make the server wait, and another coding would hide where the body ends.
  .map(([name, value]) => [name, FRAMING[name] ?? value] as const);

function headersIn(forms: readonly HeaderForm[]): fc.Arbitrary<HeaderChoice> {
  return fc.record({ form: pick(...forms), entries: fc.array(headerEntry, { maxLength: 4 }) });
}

const SILENCES: readonly AnswerFault[] = ['silence', 'half a body, then silence'];
const STREAMS: readonly BodyKind[] = [
  'Readable',
  'failing Readable',
  'ReadableStream',
  'failing ReadableStream',
  'async iterable',
];

/** Scenarios of all that is common to clients, with the options of one. */
export function scenariosOf<Options>(choices: ScenarioChoices<Options>): fc.Arbitrary<Scenario<Options>> {
  return fc
    .record({
      transport,
      method: pick(...choices.methods),
      origin: fc.oneof(
        { weight: 6, arbitrary: pick('listed' as const) },
        { weight: 1, arbitrary: pick(...ORIGIN_NAMES) },
      ),
      query: pick('', '', '', '?a=1', '?q=%C3%A9&q=2', '?with space', '#fragment'),
      headers: oneIn(2, headersIn(choices.headerForms)),
      body: fc.oneof(
        { weight: 2, arbitrary: pick<BodyKind>('none') },
        { weight: 3, arbitrary: pick(...choices.bodies) },
      ),
      answers: chain,
      abort: oneIn(
        6,
        fc.record<Abort>({
          moment: pick(...choices.aborts),
          reason: pick<Abort['reason']>('default', 'error', 'text'),
        }),
      ),
      requests: pick(1, 1, 1, 1, 2, 3),
      sameUrl: pick(false, false, true),
      token: pick<Scenario['token']>('at hand', 'at hand', 'at hand', 'at hand', 'awaited'),
      carrier: pick<Scenario['carrier']>('Authorization', 'X-Vault-Token'),
      refusedAt: oneIn(6, pick(0, 0, 0, 1, 2)),
      silence: pick(...SILENCES),
      options: choices.options,
    })
    .map(({ silence, ...scenario }) =>
      withSilence(
        withGoAway(withRefusal(scenario), scenario.token === 'awaited' || scenario.refusedAt !== undefined),
        choices.waitsForBody ? 'silence' : silence,
        choices.hasTimeLimit(scenario.options),
      ),
    );
}

/** A server is silent only where the program does not wait for ever. */
function withSilence<Options>(
  scenario: Scenario<Options>,
  silence: AnswerFault,
  hasTimeLimit: boolean,
): Scenario<Options> {
  const waitsForAbort = scenario.abort?.moment === 'once the server has the request';
  if (!waitsForAbort && !hasTimeLimit) return scenario;
  const answers = scenario.answers.map((answer, hop, { length }) => {
    if (waitsForAbort ? hop > 0 : hop < length - 1) return answer;
    const { location: _, ...last } = answer;
    return { ...last, status: 200, fault: waitsForAbort ? ('silence' as const) : silence };
  });
  return { ...scenario, answers, requests: 1, refusedAt: undefined };
}

/** Only one answer refuses the token, and a stream that was sent to an earlier hop is not there for a refusal at a later one. */
function withRefusal<Options>(scenario: Scenario<Options>): Scenario<Options> {
  if (scenario.refusedAt === undefined) return scenario;
  const answers = scenario.answers.map((answer) => (answer.status === 401 ? { ...answer, status: 403 } : answer));
  const body = scenario.refusedAt > 0 && STREAMS.includes(scenario.body) ? 'text' : scenario.body;
  return { ...scenario, answers, body };
}

/**
 * An answer that ends with its connection ends the session of HTTP/2. Whether a request is sent on a session that is ending, and fails,
 * is a matter of the turn in which it is sent: where the wrapped client sends in a later one, or once more, only the last answer
 * ends it.
 *
 * @param isLate - whether it does
 */
export function withGoAway<Options>(scenario: Scenario<Options>, isLate: boolean): Scenario<Options> {
  const answers = scenario.answers.map(
    (answer, hop, { length }): Answer => ({
      ...answer,
      goesAway: answer.framing === 'close' && (!isLate || (hop === length - 1 && scenario.requests === 1)),
    }),
  );
  return { ...scenario, answers };
}

/** The origin of a base URL is a listed one: `withToken` takes it as such. */
export function withListedBase<Options>(
  scenarios: fc.Arbitrary<Scenario<Options>>,
  hasBase: (options: Options) => boolean,
): fc.Arbitrary<Scenario<Options>> {
  return scenarios.map((scenario) =>
    hasBase(scenario.options) && !LISTED.includes(scenario.origin) ? { ...scenario, origin: 'listed' } : scenario,
  );
}
