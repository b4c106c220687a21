import type { Dispatcher } from 'undici';
import { isReplayableBody } from '../carry/is-replayable-body.js';
import type { TokenCarriage, TokenJourney } from '../carry/token-carriage.js';
import { waitWithBody } from '../carry/wait-with-body.js';
import { hasTag } from '../internal/has-tag.js';
import { cancelBody } from './cancel-body.js';
import type { CarryFetchOptions } from './carry-fetch-options.js';
import { networkError } from './follow-redirect.js';
import { HopCarriers, HopDispatcher } from './hop-dispatcher.js';
import { isAbortSignal } from './is-abort-signal.js';
import { isRejectedAtOnce } from './is-rejected-at-once.js';
import { keptReferrer } from './kept-referrer.js';
import {
  type Fetch,
  headersOf,
  type Init,
  type Input,
  membersOf,
  urlOf,
  withRepeatableHeaders,
} from './outgoing-request.js';

/** Has the same meaning as an `init` of its own that a `fetch` is given. */
type Members = Record<string, unknown>;

/**
 * Node's own `fetch` with the token. All that it does stays its own: redirects, `integrity`, `mode`, referrers, timing, aborts. Only
 * the dispatcher is another one, through which each hop goes.
 *
 * @param byHand - takes the requests whose dispatcher cannot be seen
 */
export function carryThroughDispatcher(
  fetch: Fetch,
  carriage: TokenCarriage,
  { keepBody, mayHaveDispatcher }: CarryFetchOptions,
  byHand: Fetch,
): Fetch {
  const carriers = new HopCarriers(carriage);
  const mustWait = (input: Input, init: Members) => {
    if (isReplayableBody(init.body) || carriage.source.peekToken?.() !== undefined) return false;
    const url = urlOf(input);
    if (url === undefined || !carriage.allows(url) || validHeaders(input, init)?.has(carriage.header)) return false;
    return !isRejectedAtOnce(input, init);
  };
  return (...args: Partial<Parameters<Fetch>>) => {
    const [input, init] = args;
    // What is no init, fetch rejects itself, and that there is nothing at all.
    if (input === undefined || !isInit(init)) return fetch(...(args as Parameters<Fetch>));
    const members = copyOf(init);
    const dispatcher = members.dispatcher || (mayHaveDispatcher ? dispatcherOf(input) : undefined);
    if (dispatcher === HIDDEN) {
      return rejecting(() => (validHeaders(input, members) === undefined ? fetch : byHand)(input, members as Init));
    }
    const body = members.body ?? (keepBody ? undefined : UNKEPT);
    const hops = new HopDispatcher(carriers, dispatcher as Dispatcher | undefined, body);
    Object.assign(members, keptReferrer(input, members), { dispatcher: hops });
    const { journey } = hops;
    const send = () =>
      fetch(input, members as Init).catch((error: unknown) => {
        // There was no token: the caller gets to see why, as with every other client.
        throw journey.failure !== undefined && (error as Error | undefined)?.cause === journey.failure
          ? journey.failure
          : error;
      });
    return rejecting(() => (mustWait(input, members) ? waitForToken(journey, members).then(send) : send()));
  };
}

/** No `async` function: fetch is called, and answers, in the turns in which it would be without this library. */
function rejecting(call: () => Promise<Response>): Promise<Response> {
  try {
    return call();
  } catch (error) {
    return Promise.reject(error);
  }
}

/**
 * Before a stream is given to fetch, which would hold it from then on: without a token, or when the wait is aborted, it has to be ended
 * as fetch ends that of an aborted request.
 */
async function waitForToken(journey: TokenJourney, { signal, body }: Members): Promise<void> {
  try {
    await waitWithBody((ending) => journey.value(ending), {
      body,
      signal: isAbortSignal(signal) ? signal : undefined,
      toError: networkError,
    });
  } catch (error) {
    // A stream of Node that nobody has begun to read, fetch leaves as it is.
    if (hasTag(body, 'ReadableStream')) cancelBody(body, error);
    throw error;
  }
}

/**
 * Returns the headers that fetch would send; undefined where they are none: those fetch rejects itself.
 *
 * @throws what an iterator of headers throws
 */
function validHeaders(input: Input, init: Members): Headers | undefined {
  init.headers = withRepeatableHeaders(init as Init)?.headers;
  try {
    return headersOf(input, init as Init);
  } catch {
    return undefined;
  }
}

/** For a body that is not to be kept. */
const UNKEPT = (function* () {})();

const HIDDEN = Symbol('hidden');

/**
 * The dispatcher of a `Request`; undefined where it has none, as every clone. Since undici 7, the fetch of Node 24, it is a private
 * member: then it may or may not have one.
 */
function dispatcherOf(input: Input): unknown {
  if (!hasTag(input, 'Request')) return undefined;
  const key = dispatcherKeyOf(input) ?? dispatcherKeyOf(new Request('http://localhost/'));
  return key === undefined ? HIDDEN : (Reflect.get(input, key) ?? undefined);
}

function dispatcherKeyOf(request: object): symbol | undefined {
  return Object.getOwnPropertySymbols(request).find(({ description }) => description === 'dispatcher');
}

function isInit(init: unknown): init is Init | undefined {
  return init === undefined || init === null || typeof init === 'object';
}

/** A copy that reads each member once, as fetch does. Those of a class are not its own, so they are read by their names. */
function copyOf(init: Init | undefined): Members {
  const prototype = init && Object.getPrototypeOf(init);
  if (!init || prototype === null || prototype === Object.prototype) return Object.assign({}, init) as Members;
  return membersOf(init);
}
