import type { Dispatcher } from 'undici';
import { isReplayableBody } from '../carry/is-replayable-body.js';
import type { TokenCarriage, TokenJourney } from '../carry/token-carriage.js';
import { withDeadline } from '../internal/deadline.js';
import { withHeader } from './dispatch-headers.js';
import type { KeptBody } from './kept-body.js';
import type { Handler } from './legacy-handler.js';
import { Refusal } from './refusal.js';

type Controller = Dispatcher.DispatchController;

/** What undici tells a handler, without the controller. */
type Told<Event extends keyof Dispatcher.DispatchHandler> =
  Parameters<NonNullable<Dispatcher.DispatchHandler[Event]>> extends [unknown, ...infer Rest] ? Rest : never;

/** Longest delay of a timer of Node. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** The surroundings of a request that carries the token. */
export interface CarriedRequest {
  readonly carriage: TokenCarriage;
  readonly journey: TokenJourney;
  /** Headers are such as can be read more than once. */
  readonly options: Dispatcher.DispatchOptions;
  /** What is kept of a body that can be read only once; without it, the body in the options decides. */
  readonly body?: KeptBody | undefined;
  /** Has those requests that wait for a token, or may yet be sent once more. */
  readonly unsettled?: { add(request: CarriedDispatch): void; delete(request: CarriedDispatch): void } | undefined;
  readonly errors: DispatchErrors;
}

/** The errors of the client for what it does not see itself. */
export interface DispatchErrors {
  /** For an abort without a reason. */
  aborted(): Error;
  /** For the time limit `headersTimeout`. */
  timedOut(): Error;
  /** For the option `maxRedirections`: beneath this dispatcher nobody may take the token along to another origin. */
  redirecting(): Error;
}

/**
 * One request on its way through undici, to which this is the handler; to the caller's handler it is the controller.
 *
 * Where a token is at hand, the request is sent in the turn of the call, and what undici tells is passed on as it comes. Where a token
 * has to be waited for, it begins before the token is there. A refusal is kept back if the request is sent once more.
 */
export class CarriedDispatch implements Handler, Controller {
  /** The attempt under way; undefined before the first has begun, and before the second has. */
  #attempt: Controller | undefined;
  #refusal: Refusal | undefined;
  /** Ends the wait for a token, and tells the source that did not want to wait. */
  #wait: AbortController | undefined;
  #reason: unknown;
  #isAborted = false;
  #isPaused = false;
  #hasBegun = false;
  #isOver = false;
  #hasFailed = false;

  constructor(
    private readonly dispatch: Dispatcher['dispatch'],
    private readonly request: CarriedRequest,
    private readonly handler: Handler,
  ) {}

  /**
   * @returns what undici's `dispatch` does: `false` when the dispatcher is busy and will emit `drain`
   * @throws what the dispatcher beneath throws
   */
  start(): boolean {
    const value = this.#valueAtHand();
    if (value !== undefined) return this.#send(value);
    if (!this.#isOver) void this.#waitAndSend();
    return true;
  }

  /** Ends a wait for a token, as the dispatcher is destroyed. */
  endWait(error: Error): void {
    if (this.#attempt !== undefined && this.#refusal === undefined) return;
    this.#wait?.abort(error);
    this.#fail(error);
  }

  onRequestStart(controller: Controller, context: unknown): void {
    this.#attempt = controller;
    if (this.#isAborted || this.#isOver) controller.abort(this.#reason as Error);
    else if (!this.#hasBegun) this.#begin(context);
    else if (this.#isPaused) controller.pause();
  }

  onRequestUpgrade(_controller: Controller, ...told: Told<'onRequestUpgrade'>): void {
    this.#end();
    this.handler.onRequestUpgrade?.(this, ...told);
  }

  onResponseStart(controller: Controller, ...[status, headers, statusText]: Told<'onResponseStart'>): void {
    if (this.request.carriage.isRefusal(status)) {
      this.#holdBack(controller, status, () => this.handler.onResponseStart?.(this, status, headers, statusText));
      return;
    }
    if (status >= 200) {
      this.#settle();
      this.request.body?.release();
    }
    this.handler.onResponseStart?.(this, status, headers, statusText);
  }

  onResponseData(_controller: Controller, chunk: Buffer): void {
    if (this.#refusal === undefined) this.handler.onResponseData?.(this, chunk);
    else this.#refusal.holdData(chunk.length, () => this.handler.onResponseData?.(this, chunk));
  }

  onResponseEnd(_controller: Controller, trailers: Told<'onResponseEnd'>[0]): void {
    const tell = () => {
      this.#end();
      this.handler.onResponseEnd?.(this, trailers);
    };
    if (this.#refusal === undefined) tell();
    else this.#endRefusal(this.#refusal, tell);
  }

  onResponseError(_controller: Controller, error: Error): void {
    if (this.#refusal === undefined || this.#isAborted) this.#fail(error);
    else this.#endRefusal(this.#refusal, () => this.#fail(error));
  }

  onBodySent(chunk: unknown): void {
    this.handler.onBodySent?.(chunk);
  }

  onRequestSent(): void {
    this.handler.onRequestSent?.();
  }

  onResponseStarted(): void {
    this.handler.onResponseStarted?.();
  }

  get aborted(): boolean {
    return this.#isAborted;
  }

  get reason(): Error | null {
    return (this.#reason as Error | undefined) ?? null;
  }

  get paused(): boolean {
    return this.#isPaused;
  }

  get rawHeaders(): Controller['rawHeaders'] {
    return this.#attempt?.rawHeaders;
  }

  set rawHeaders(headers: Controller['rawHeaders']) {
    if (this.#attempt !== undefined) this.#attempt.rawHeaders = headers;
  }

  get rawTrailers(): Controller['rawTrailers'] {
    return this.#attempt?.rawTrailers;
  }

  set rawTrailers(trailers: Controller['rawTrailers']) {
    if (this.#attempt !== undefined) this.#attempt.rawTrailers = trailers;
  }

  abort(reason: Error): void {
    if (this.#isOver || this.#isAborted) return;
    this.#isAborted = true;
    this.#reason = reason;
    // Of an attempt under way undici tells with its own error where there is no reason.
    const isUnderWay = this.#attempt !== undefined && this.#refusal === undefined;
    this.#attempt?.abort(reason);
    this.#wait?.abort(reason);
    if (!isUnderWay) this.#fail(reason ?? this.request.errors.aborted());
  }

  pause(): void {
    this.#isPaused = true;
    this.#attempt?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    if (this.#refusal === undefined || this.#refusal.isDiscarded) this.#attempt?.resume();
  }

  #begin(context: unknown): void {
    this.#hasBegun = true;
    this.handler.onRequestStart?.(this, context);
  }

  #valueAtHand(): string | undefined {
    try {
      return this.request.journey.valueAtHand();
    } catch (error) {
      this.#fail(error);
      return undefined;
    }
  }

  #send(value: string, headersTimeout = this.request.options.headersTimeout): boolean {
    const { options, carriage, body, unsettled } = this.request;
    this.#attempt = undefined;
    // Assigned, not spread, which on Node 20 takes ten times as long: microseconds for every request.
    const sent: Dispatcher.DispatchOptions = Object.assign({}, options, {
      headers: withHeader(options.headers, carriage.header, value),
      // Turns off a redirect interceptor beneath.
      maxRedirections: 0,
    });
    if (headersTimeout !== undefined) sent.headersTimeout = headersTimeout;
    if (body !== undefined) sent.body = body.read() as unknown as NonNullable<typeof sent.body>;
    unsettled?.add(this);
    try {
      return this.dispatch(sent, this);
    } catch (error) {
      this.#settle();
      throw error;
    }
  }

  async #waitAndSend(): Promise<void> {
    this.request.unsettled?.add(this);
    try {
      // Before the token is there: an abort during the wait must reach the caller at once.
      this.#begin(undefined);
      if (this.#isOver) return;
      const { headersTimeout } = this.request.options;
      const startedAtMs = performance.now();
      const value = await this.#waitForValue(headersTimeout);
      if (this.#isOver) return;
      const isLimited = typeof headersTimeout === 'number' && headersTimeout > 0;
      const waitedMs = Math.ceil(performance.now() - startedAtMs);
      this.#send(value, isLimited ? Math.max(1, headersTimeout - waitedMs) : headersTimeout);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The time limit for the answer's head covers the wait for the token, too. */
  async #waitForValue(headersTimeout: number | null | undefined): Promise<string> {
    const { journey, errors } = this.request;
    const { signal } = this.#startWait();
    // What is no time limit is left for undici to reject.
    if (typeof headersTimeout !== 'number' || !(headersTimeout > 0)) return journey.value(signal);
    const timeoutMs = Math.min(headersTimeout, MAX_TIMEOUT_MS);
    return withDeadline((limit) => journey.value(limit), { timeoutMs, toError: errors.timedOut, signal });
  }

  #startWait(): AbortController {
    this.#wait ??= new AbortController();
    return this.#wait;
  }

  #holdBack(controller: Controller, status: number, tell: () => void): void {
    const refusal = new Refusal(controller);
    this.#refusal = refusal;
    refusal.hold(tell);
    this.request.journey
      .shouldRetry(status, this.#canSendAgain, this.#startWait().signal)
      .then((isSentAgain) => (isSentAgain && this.#canSendAgain ? this.#discard(refusal) : this.#release(refusal)))
      .catch((error) => {
        controller.abort(error);
        this.#fail(error);
      });
  }

  get #canSendAgain(): boolean {
    const { body, options } = this.request;
    return body?.isKept ?? isReplayableBody(options.body);
  }

  #discard(refusal: Refusal): void {
    if (this.#isOver) return;
    const hasEnded = refusal.hasEnded;
    refusal.discard();
    if (hasEnded) this.#sendAgain();
  }

  #release(refusal: Refusal): void {
    this.#settle();
    refusal.release(() => !this.#hasFailed);
    this.#refusal = undefined;
    if (!this.#isPaused) this.#attempt?.resume();
  }

  #endRefusal(refusal: Refusal, tell: () => void): void {
    refusal.end();
    if (refusal.isDiscarded) this.#sendAgain();
    // It may end while it is paused: the answer to HEAD has no body to hold back, and a connection can break.
    else refusal.hold(tell);
  }

  #sendAgain(): void {
    this.#refusal = undefined;
    const value = this.#valueAtHand();
    if (value === undefined) return;
    try {
      this.#send(value);
    } catch (error) {
      this.#fail(error);
    }
    // A request is sent once more, and no more than once.
    this.#settle();
  }

  #settle(): void {
    this.request.unsettled?.delete(this);
  }

  #end(): void {
    this.#isOver = true;
    this.#settle();
    this.request.body?.release();
  }

  #fail(error: unknown): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#end();
    // Whatever it is: the reason of the caller's own signal need not be an error.
    this.handler.onResponseError?.(this, error as Error);
  }
}
