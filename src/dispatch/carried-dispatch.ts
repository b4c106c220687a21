import type { Dispatcher } from 'undici';
import { isReplayableBody } from '../carry/is-replayable-body.js';
import type { CarriedRequest } from './carried-request.js';
import { withHeader } from './dispatch-headers.js';
import type { Handler } from './legacy-handler.js';
import { Refusal } from './refusal.js';
import { waitForValue } from './wait-for-value.js';

type Controller = Dispatcher.DispatchController;

/** What undici tells a handler, without the controller. */
type Told<Event extends keyof Dispatcher.DispatchHandler> =
  Parameters<NonNullable<Dispatcher.DispatchHandler[Event]>> extends [unknown, ...infer Rest] ? Rest : never;

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
  #isDispatched = false;
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
    // What was handed to the dispatcher, that ends itself.
    if (this.#isDispatched && this.#refusal === undefined) return;
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

  onResponseError(controller: Controller | null | undefined, error: Error): void {
    // undici gives no controller with an error of a request that it rejects at once.
    if (this.#refusal === undefined || this.#isAborted) this.#failWith(controller && this, error);
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
    this.#isDispatched = true;
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
      const { value, headersTimeout } = await waitForValue(this.request, this.#startWait().signal);
      if (!this.#isOver) this.#send(value, headersTimeout);
    } catch (error) {
      this.#fail(error);
    }
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
    this.#failWith(this, error);
  }

  #failWith(controller: Controller | null | undefined, error: unknown): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#end();
    // Whatever it is: the reason of the caller's own signal need not be an error.
    this.handler.onResponseError?.(controller as Controller, error as Error);
  }
}
