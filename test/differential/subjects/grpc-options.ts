import fc from 'fast-check';
import { oneIn, scenariosOf } from '../arbitraries.js';
import { ABORT_MOMENTS, type Answer, type Scenario } from '../scenario.js';

/** How a program uses gRPC. */
export interface GrpcOptions {
  readonly kind: 'unary' | 'clientStream' | 'serverStream' | 'bidi';
  /** Metadata besides the headers of the scenario: a value of bytes. */
  readonly bytes: string | undefined;
  /** How many messages the program sends, where it may send several. */
  readonly messages: number;
  /** From now on; one in the past, too. */
  readonly deadlineMs: number | undefined;
  readonly waitForReady: boolean;
  readonly interceptor: 'tells' | 'changes' | 'throws' | undefined;
  /** The channel has a retry policy. */
  readonly retries: boolean;
  /** The program has call credentials of its own, for the channel or for a call. */
  readonly ownCredentials: 'of the channel' | 'of a call' | undefined;
  /** What the servers say in the form of gRPC; the faults are those of the scenario. */
  readonly says: readonly GrpcAnswer[];
}

/** An answer of gRPC. */
interface GrpcAnswer {
  readonly messages: readonly string[];
  readonly code: number;
  readonly details: string | undefined;
  readonly metadata: readonly (readonly [string, string])[];
  readonly trailers: readonly (readonly [string, string])[];
  /** Something that gRPC does not say: another status of HTTP, or a message that is none. */
  readonly oddity: 'status 401' | 'status 503' | 'compressed' | 'cut' | 'no status' | 'another content' | undefined;
  readonly isEarly: boolean;
}

const pick = <T>(...values: T[]) => fc.constantFrom(...values);

const entries = fc.array(
  pick<readonly [string, string]>(
    ['x-one', 'value'],
    ['x-two', 'a, b'],
    ['x-bytes-bin', 'AAEC/w'],
    ['x-one', 'second'],
    ['retry-after', '0'],
  ),
  { maxLength: 3 },
);

const answer: fc.Arbitrary<GrpcAnswer> = fc.record({
  messages: fc.array(pick('', 'message', 'caf\xc3\xa9', 'x'.repeat(3000)), { maxLength: 3 }),
  code: fc.oneof(
    { weight: 4, arbitrary: fc.constant(0) },
    { weight: 3, arbitrary: pick(1, 2, 3, 4, 5, 7, 8, 13, 14, 16, 16, 99) },
  ),
  details: pick(undefined, 'No.', 'caf%C3%A9 %', ''),
  metadata: entries,
  trailers: entries,
  oddity: oneIn(8, pick('status 401', 'status 503', 'compressed', 'cut', 'no status', 'another content')),
  isEarly: pick(false, false, true),
});

/** Scenarios of calls over TLS: a channel without it takes no call credentials. */
export const grpcScenarios: fc.Arbitrary<Scenario<GrpcOptions>> = scenariosOf<GrpcOptions>({
  methods: ['POST'],
  bodies: ['none'],
  headerForms: ['object'],
  aborts: ABORT_MOMENTS,
  hasTimeLimit: ({ deadlineMs = 0 }) => deadlineMs > 0,
  options: fc.record({
    kind: pick<GrpcOptions['kind']>('unary', 'clientStream', 'serverStream', 'bidi'),
    bytes: oneIn(4, pick('\0\x01\xff', '')),
    messages: pick(0, 1, 1, 2, 3),
    deadlineMs: oneIn(12, pick(60, 60, 0, -1000)),
    waitForReady: pick(false, false, false, true),
    interceptor: oneIn(3, pick<GrpcOptions['interceptor']>('tells', 'tells', 'changes', 'throws')),
    retries: pick(false, false, true),
    ownCredentials: oneIn(5, pick<GrpcOptions['ownCredentials']>('of the channel', 'of a call')),
    says: fc.array(answer, { minLength: 1, maxLength: 3 }),
  }),
}).map(asOfGrpc);

function asOfGrpc(scenario: Scenario<GrpcOptions>): Scenario<GrpcOptions> {
  const { answers, options, transport } = scenario;
  const isSilent = answers.some(({ fault }) => fault?.includes('silence'));
  return {
    ...scenario,
    transport: { ...transport, schemes: 'https', offersHttp2: true },
    origin: 'listed',
    query: '',
    // Call credentials hear of no refusal, so there is no retry.
    refusedAt: undefined,
    answers: (isSilent ? answers : options.says).map((_, index) => {
      const { fault, hints = false } = answers[Math.min(index, answers.length - 1)]!;
      return {
        ...asAnswer(options.says[index % options.says.length]!),
        hints,
        ...(fault === undefined ? {} : { fault }),
      };
    }),
  };
}

function asAnswer({ messages, code, details, metadata, trailers, oddity, isEarly }: GrpcAnswer): Answer {
  const status = oddity === 'status 401' ? 401 : oddity === 'status 503' ? 503 : 200;
  const type = oddity === 'another content' ? 'text/html' : 'application/grpc+proto';
  const ends: [string, string][] = oddity === 'no status' ? [] : [['grpc-status', String(code)]];
  if (details !== undefined) ends.push(['grpc-message', details]);
  const body = messages.map((message) => frame(message, oddity === 'compressed')).join('');
  const headers = [['content-type', type] as const, ...metadata];
  // Without messages, a server says all at once.
  if (body === '' && !isEarly) return { status, headers: [...headers, ...ends, ...trailers], body, framing: 'chunked' };
  const cut = oddity === 'cut' ? body.slice(0, -1) : body;
  return { status, headers, body: cut, framing: 'chunked', trailers: [...ends, ...trailers], isEarly };
}

/** A message as gRPC frames it: whether it is compressed, its length, its bytes. */
function frame(message: string, isCompressed: boolean): string {
  const head = Buffer.alloc(5);
  head.writeUInt8(isCompressed ? 1 : 0);
  head.writeUInt32BE(message.length, 1);
  return head.toString('latin1') + message;
}
