import type { Dispatcher } from 'undici';
import type { TokenCarriage, TokenJourney } from '../carry/token-carriage.js';
import { CarriedDispatch } from './carried-dispatch.js';
import type { CarriedRequest, DispatchErrors } from './carried-request.js';
import { Destinations } from './destinations.js';
import { hasHeader, repeatableHeaders } from './dispatch-headers.js';
import { FirstAttempt } from './first-attempt.js';
import type { KeptBody } from './kept-body.js';
import {
  FromLegacyHandler,
  failDispatch,
  type Handler,
  isLegacyHandler,
  type LegacyHandler,
  ToLegacyHandler,
} from './legacy-handler.js';

type Dispatch = Dispatcher['dispatch'];

/** What one client with the token needs for all its requests. */
export interface DispatchCarrierOptions {
  readonly errors: DispatchErrors;
  readonly unsettled?: CarriedRequest['unsettled'];
}

/** Puts the token on the requests of one dispatcher, whether its handlers are those of undici 6 or of later ones. */
export class DispatchCarrier {
  readonly #destinations: Destinations;
  readonly #dispatch: Dispatch;
  /** A dispatcher gets the kind of handler that it would get without the token. */
  readonly #dispatchLegacy: Dispatch;

  constructor(
    private readonly carriage: TokenCarriage,
    private readonly dispatcher: Dispatcher,
    private readonly options: DispatchCarrierOptions,
  ) {
    this.#destinations = new Destinations(carriage, dispatcher);
    this.#dispatch = (options, handler) => dispatcher.dispatch(options, handler);
    this.#dispatchLegacy = (options, handler) =>
      dispatcher.dispatch(options, new ToLegacyHandler(handler as Handler) as Dispatcher.DispatchHandler);
  }

  /**
   * Dispatches a request, with the token if it may go where the request goes and the request has no such header of its own.
   *
   * @param journey - that of the chain of redirects which the request is part of
   * @param keepBody - makes of a body that can be read only once one that can be sent again
   */
  dispatch(
    journey: TokenJourney,
    options: Dispatcher.DispatchOptions,
    handler: Dispatcher.DispatchHandler,
    keepBody?: (body: unknown) => KeptBody | undefined,
  ): boolean {
    if (!isDispatchable(options, handler) || !journey.carriesIf(this.#destinations.areAllowed(options))) {
      return this.#dispatch(options, handler);
    }
    const headers = repeatableHeaders(options.headers);
    const readable = headers === options.headers ? options : { ...options, headers };
    if (hasHeader(headers, this.carriage.header)) {
      journey.leave();
      return this.#dispatch(readable, handler);
    }
    if ((options as { maxRedirections?: unknown }).maxRedirections)
      return failDispatch(handler, this.options.errors.redirecting());
    const body = keepBody?.(options.body);
    const { errors, unsettled } = this.options;
    const request: CarriedRequest = { carriage: this.carriage, journey, options: readable, body, unsettled, errors };
    let value: string | undefined;
    try {
      value = journey.valueAtHand();
    } catch (error) {
      body?.release();
      return failDispatch(handler, error as Error);
    }
    if (!isLegacyHandler(handler)) return new CarriedDispatch(this.#dispatch, request, handler as Handler).start(value);
    const legacy = handler as LegacyHandler;
    if (value !== undefined) {
      return new FirstAttempt(this.#dispatchLegacy, request, legacy).send(this.dispatcher, value);
    }
    return new CarriedDispatch(this.#dispatchLegacy, request, new FromLegacyHandler(legacy)).start(value);
  }
}

/** As undici checks handlers of this kind, see its `assertRequestHandler`: those made here have all methods. */
function isCompleteFor(options: Partial<Dispatcher.DispatchOptions>, handler: LegacyHandler): boolean {
  if (typeof handler.onConnect !== 'function' || typeof handler.onError !== 'function') return false;
  if (options.upgrade || options.method === 'CONNECT') return typeof handler.onUpgrade === 'function';
  const { onHeaders, onData, onComplete } = handler;
  return typeof onHeaders === 'function' && typeof onData === 'function' && typeof onComplete === 'function';
}

/** What undici rejects before it looks at anything else is left to it. */
function isDispatchable(options: unknown, handler: unknown): boolean {
  if (typeof options !== 'object' || options === null || typeof handler !== 'object' || handler === null) return false;
  return !isLegacyHandler(handler) || isCompleteFor(options, handler);
}
