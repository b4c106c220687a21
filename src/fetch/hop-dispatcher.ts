import type { Dispatcher } from 'undici';
import { isReplayableBody } from '../carry/is-replayable-body.js';
import type { TokenCarriage, TokenJourney } from '../carry/token-carriage.js';
import { DispatchCarrier } from '../dispatch/dispatch-carrier.js';
import { KeptBody } from '../dispatch/kept-body.js';
import { hasTag } from '../internal/has-tag.js';

/** Where undici keeps the dispatcher of a `fetch` that is given none: since version 8, and before. */
const [GLOBAL_DISPATCHER, LEGACY_GLOBAL_DISPATCHER] = [
  Symbol.for('undici.globalDispatcher.2'),
  Symbol.for('undici.globalDispatcher.1'),
];

/**
 * Maximum size of a body that is kept in memory for a retry, as in follow-redirects (`maxBodyLength`).
 */
const MAX_KEPT_BYTES = 10 * 1024 * 1024;

/** `fetch` gives each request an AbortController with a reason, and no time limit. */
const ERRORS = {
  aborted: () => new DOMException('This operation was aborted', 'AbortError'),
  timedOut: () => new DOMException('The operation timed out', 'TimeoutError'),
  redirecting: () => new TypeError('fetch follows redirects itself'),
};

/** What all requests of a wrapped `fetch` share: the carriers of the dispatchers that they go through. */
export class HopCarriers {
  readonly #carriers = new WeakMap<Dispatcher, DispatchCarrier>();

  constructor(readonly carriage: TokenCarriage) {}

  of(dispatcher: Dispatcher): DispatchCarrier {
    const carrier =
      this.#carriers.get(dispatcher) ?? new DispatchCarrier(this.carriage, dispatcher, { errors: ERRORS });
    this.#carriers.set(dispatcher, carrier);
    return carrier;
  }
}

/**
 * The dispatcher of one call of Node's `fetch` for each hop of its redirects: adds the token for allowed origins, and retries a rejected
 * hop once. All else is left to `fetch`.
 */
export class HopDispatcher {
  readonly journey: TokenJourney;

  /**
   * @param dispatcher - that of the caller; without it, the global one
   * @param body - what the body of the request is made of; `undefined` for one that cannot be sent again
   */
  constructor(
    private readonly carriers: HopCarriers,
    private readonly dispatcher: Dispatcher | undefined,
    private readonly body: unknown,
  ) {
    this.journey = carriers.carriage.begin();
  }

  /** `fetch` gives a `MockAgent` the body itself instead of its bytes. */
  get isMockActive(): unknown {
    return Reflect.get(this.#dispatcher, 'isMockActive');
  }

  dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    return this.carriers.of(this.#dispatcher).dispatch(this.journey, options, handler, this.#keep);
  }

  get #dispatcher(): Dispatcher {
    return this.dispatcher ?? globalDispatcher();
  }

  /** Each hop is sent with a body of its own, which `fetch` makes of that of the request. */
  readonly #keep = (sent: unknown): KeptBody | undefined => {
    const isOneShot = !isReplayableBody(this.body);
    if (isOneShot || typeof sent !== 'object' || sent === null || !(Symbol.asyncIterator in sent)) return undefined;
    return new KeptBody(
      sent as AsyncIterable<Uint8Array>,
      isInMemory(this.body) ? Number.POSITIVE_INFINITY : MAX_KEPT_BYTES,
    );
  };
}

/** Returns the global dispatcher of Node's own `fetch`, by the version of undici in Node. */
function globalDispatcher(): Dispatcher {
  const isLegacy = Number.parseInt(process.versions.undici ?? '', 10) < 8;
  const dispatcher = isLegacy ? undefined : Reflect.get(globalThis, GLOBAL_DISPATCHER);
  return dispatcher ?? Reflect.get(globalThis, LEGACY_GLOBAL_DISPATCHER);
}

/** Returns whether `fetch` itself keeps the body in memory during the request. */
function isInMemory(body: unknown): boolean {
  return (
    typeof body === 'string' ||
    ArrayBuffer.isView(body) ||
    hasTag(body, 'ArrayBuffer') ||
    hasTag(body, 'URLSearchParams')
  );
}
