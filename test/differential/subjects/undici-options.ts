import fc from 'fast-check';
import { oneIn, scenariosOf } from '../arbitraries.js';
import { ABORT_MOMENTS, type Scenario } from '../scenario.js';

/** How a program uses undici. */
export interface UndiciOptions {
  readonly call: 'request' | 'stream' | 'pipeline' | 'dispatch';
  readonly dispatcher: 'Agent' | 'Pool' | 'Client' | 'BalancedPool';
  readonly interceptor: 'redirect' | 'retry' | 'dump' | undefined;
  /** The requests of a scenario are made at once. */
  readonly isParallel: boolean;
  readonly closing: 'close in the same turn' | 'destroy in the same turn' | 'close at the response' | undefined;
  readonly signal: 'AbortSignal' | 'EventEmitter' | undefined;
  /** More members of the options of a request. */
  readonly members: Readonly<Record<string, unknown>>;
  /** A handler that pauses at the response, and goes on later. */
  readonly pauses: boolean;
  /** What a callback of the program does wrong. */
  readonly throwsIn: 'onRequestStart' | 'onResponseStart' | 'onResponseData' | 'onResponseEnd' | undefined;
  readonly pipelining: number;
}

const pick = <T>(...values: T[]) => fc.constantFrom(...values);

const members = fc
  .record({
    headersTimeout: oneIn(150, fc.constant(30)),
    bodyTimeout: oneIn(300, fc.constant(30)),
    idempotent: oneIn(12, pick<unknown>(true, false, 'yes')),
    blocking: oneIn(15, pick<unknown>(true, false)),
    reset: oneIn(12, pick<unknown>(true, false, 'yes')),
    expectContinue: oneIn(25, pick<unknown>(true, 'yes')),
    upgrade: oneIn(40, pick<unknown>('websocket', true, 5)),
    query: oneIn(12, pick<unknown>({ q: 1, r: ['a', 'b'] }, 'text')),
    opaque: oneIn(12, pick<unknown>({ mine: true }, 5)),
    responseHeaders: oneIn(20, pick<unknown>('raw', null)),
    throwOnError: oneIn(40, pick<unknown>(true)),
    maxRedirections: oneIn(30, pick<unknown>(0, 3, 'x')),
    highWaterMark: oneIn(25, pick<unknown>(1, -1)),
    onInfo: oneIn(40, pick<unknown>('no function')),
    typeOfService: oneIn(60, pick<unknown>(16, -1)),
  })
  .map((given) => Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)));

/** Scenarios of undici's own interfaces. */
export const undiciScenarios: fc.Arbitrary<Scenario<UndiciOptions>> = scenariosOf<UndiciOptions>({
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
    'CONNECT',
    'get',
    'FOO',
    'b d',
  ],
  bodies: [
    'null',
    'text',
    'empty text',
    'Buffer',
    'Uint8Array',
    'ArrayBuffer',
    'DataView',
    'Blob',
    'FormData',
    'FormData with a file',
    'URLSearchParams',
    'Readable',
    'Readable',
    'failing Readable',
    'ReadableStream',
    'async iterable',
    'number',
    'object',
  ],
  headerForms: [
    'object',
    'object',
    'object',
    'Headers',
    'pairs',
    'list',
    'iterable',
    'Map',
    'odd list',
    'text',
    'numbers',
  ],
  aborts: ABORT_MOMENTS,
  hasTimeLimit: ({ members: { headersTimeout, bodyTimeout }, interceptor }) =>
    interceptor === undefined && headersTimeout !== undefined && bodyTimeout !== undefined,
  options: fc.record({
    call: pick<UndiciOptions['call']>('request', 'request', 'stream', 'pipeline', 'dispatch', 'dispatch'),
    dispatcher: pick<UndiciOptions['dispatcher']>('Agent', 'Agent', 'Agent', 'Pool', 'Client', 'BalancedPool'),
    interceptor: pick<UndiciOptions['interceptor']>(undefined, undefined, 'redirect', 'redirect', 'retry', 'dump'),
    isParallel: pick(false, true),
    closing: oneIn(
      6,
      pick<UndiciOptions['closing']>('close in the same turn', 'destroy in the same turn', 'close at the response'),
    ),
    signal: pick<UndiciOptions['signal']>('AbortSignal', 'AbortSignal', 'EventEmitter'),
    members,
    pauses: pick(false, false, true),
    throwsIn: oneIn(
      25,
      pick<UndiciOptions['throwsIn']>('onRequestStart', 'onResponseStart', 'onResponseData', 'onResponseEnd'),
    ),
    pipelining: pick(1, 1, 1, 4),
  }),
}).map(withOwnOrigin);

/**
 * A client or a pool knows one server, so a redirect to another one is no business of it. And which of several requests at once is
 * refused is a matter of chance, as is which of them gets which answer if all ask for one URL. The stream of a pipeline is not sent
 * again: the bare client is to meet its refusal too.
 */
function withOwnOrigin(scenario: Scenario<UndiciOptions>): Scenario<UndiciOptions> {
  const isParallel = scenario.options.isParallel && scenario.refusedAt === undefined;
  const sameUrl = scenario.sameUrl && !isParallel;
  const refusedAt = scenario.options.call === 'pipeline' && scenario.refusedAt ? 0 : scenario.refusedAt;
  // undici 7.30 itself goes round without end when a stream fails that it sends by HTTP/2.
  const loops = scenario.transport.offersHttp2 && scenario.body === 'failing Readable';
  const body = loops ? 'Readable' : scenario.body;
  const made = { ...scenario, body, sameUrl, refusedAt };
  const options = { ...scenario.options, isParallel };
  if (options.dispatcher === 'Agent' || options.interceptor !== 'redirect') return { ...made, options };
  return { ...made, options: { ...options, interceptor: undefined } };
}
