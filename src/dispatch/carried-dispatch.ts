import type { IncomingHttpHeaders } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Dispatcher } from 'undici';
import { isReplayableBody } from '../carry/is-replayable-body.js';
import { type CarriedRequest, carryingOptions } from './carried-request.js';
import type { Handler } from './legacy-handler.js';
import { ProgressForwarder } from './progress-forwarder.js';
import { Refusal } from './refusal.js';
import { waitForValue } from './wait-for-value.js';

type Controller = Dispatcher.DispatchController;

/**
 * One request on its way through undici, to which this is the handler; to the caller's handler it is the controller.
 *
 * Where a token is at hand, the request is sent in the turn of the call, and what undici tells is passed on as it comes. Where a token
 * has to be waited for, it begins before the token is there. A refusal is kept back if the request is sent once more.
 */
export class CarriedDispatch extends ProgressForwarder<Handler> implements Handler, Controller {
  /** The attempt under way; undefined before the first has begun, and before the second has. */
  #attempt: Controller | undefined;
  #refusal: Refusal | undefined;
  /** Ends the wait for a token, and tells the source that did not want to wait. */
  #wait: AbortController | undefined;
  #reason: unknown;
  #isAborted = false;
  #isPaused = false;
  #hasBegun = false;
  /** Counts as one that may yet be sent once more. */
  #isUnsettled = false;
  #isOver = false;
  #hasFailed = false;

  constructor(
    private readonly dispatch: Dispatcher['dispatch'],
    private readonly request: CarriedRequest,
    handler: Handler,
  ) {
    super(handler);
  }

  /**
   * @param value - of the header with the token, if the token is at hand
   * @returns what undici's `dispatch` does: `false` when the dispatcher is busy and will emit `drain`
   * @throws what the dispatcher beneath throws
   */
  start(value: string | undefined): boolean {
    if (value !== undefined) return this.#send(value);
    void this.#waitAndSend();
    return true;
  }

  /** Goes on with a first attempt of which the handler was told by another, and which counts as unsettled. */
  takeOver(attempt: Controller): void {
    this.#attempt = attempt;
    this.#hasBegun = true;
    this.#isUnsettled = true;
  }

  /** Ends a wait for a token, as the dispatcher is destroyed. */
  endWait(error: Error): void {
    this.#wait?.abort(error);
    this.#fail(error);
  }

  onRequestStart(controller: Controller, context: unknown): void {
    this.#attempt = controller;
    if (this.#isAborted || this.#isOver) controller.abort(this.#reason as Error);
    else if (!this.#hasBegun) this.#begin(context);
    else if (this.#isPaused) controller.pause();
  }

  onRequestUpgrade(controller: Controller, status: number, headers: IncomingHttpHeaders, socket: Duplex): void {
    // To CONNECT, every answer is one.
    if (this.request.carriage.isRefusal(status)) this.#holdBack(controller, status, socket);
    if (this.#refusal === undefined) this.#tellUpgrade(status, headers, socket);
    else this.#endRefusal(this.#refusal, 'hold', this.#tellUpgrade.bind(this, status, headers, socket));
  }

  onResponseStart(controller: Controller, status: number, headers: IncomingHttpHeaders, statusText?: string): void {
    if (this.request.carriage.isRefusal(status)) this.#holdBack(controller, status);
    if (this.#refusal === undefined) this.#tellStart(status, headers, statusText);
    // Bound: where a function that is made here captures parameters, each call pays for it.
    else this.#refusal.hold(this.#tellStart.bind(this, status, headers, statusText));
  }

  onResponseData(_controller: Controller, chunk: Buffer): void {
    if (this.#refusal === undefined) this.#tellData(chunk);
    else this.#refusal.holdData(chunk.length, this.#tellData.bind(this, chunk));
  }

  onResponseEnd(_controller: Controller, trailers: IncomingHttpHeaders): void {
    if (this.#refusal === undefined) this.#tellEnd(trailers);
    else this.#endRefusal(this.#refusal, 'hold', this.#tellEnd.bind(this, trailers));
  }

  onResponseError(controller: Controller | null | undefined, error: Error): void {
    // undici gives no controller with an error of a request that it rejects at once.
    if (this.#refusal === undefined || this.#isAborted) this.#failWith(controller && this, error);
    else this.#endRefusal(this.#refusal, 'holdFailure', () => this.#fail(error));
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
    return this.#attempt?.rawHeaders ?? null;
  }

  set rawHeaders(headers: Controller['rawHeaders']) {
    if (this.#attempt !== undefined) this.#attempt.rawHeaders = headers;
  }

  get rawTrailers(): Controller['rawTrailers'] {
    // A refusal that is handed on may have come to its end before.
    return (this.#refusal === undefined || this.#isOver ? this.#attempt?.rawTrailers : undefined) ?? null;
  }

  set rawTrailers(trailers: Controller['rawTrailers']) {
    if (this.#attempt !== undefined) this.#attempt.rawTrailers = trailers;
  }

  abort(reason: Error): void {
    if (this.#isOver || this.#isAborted) return;
    this.#isAborted = true;
    this.#reason = reason;
    // For an attempt under way without a reason, undici makes the error itself.
    const isUnderWay = this.#attempt !== undefined && this.#refusal === undefined;
    this.#attempt?.abort(reason);
    this.#wait?.abort(reason);
    if (!isUnderWay) this.#fail(reason ?? this.request.errors.aborted());
  }

  pause(): void {
    this.#isPaused = true;
    // What follows on a refusal is held as well.
    if (this.#refusal === undefined) this.#attempt?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    if (this.#refusal?.isReleased) this.#release(this.#refusal);
    else if (this.#refusal === undefined || this.#refusal.isDiscarded) this.#attempt?.resume();
  }

  #begin(context: unknown): void {
    this.#hasBegun = true;
    this.handler.onRequestStart?.(this, context);
  }

  /** @param headersTimeout - where it is not that of the options */
  #send(value: string, headersTimeout?: number | null): boolean {
    this.#attempt = undefined;
    const sent = carryingOptions(this.request, value);
    if (headersTimeout !== undefined) sent.headersTimeout = headersTimeout;
    this.#open();
    this.request.unsettled?.waiting.delete(this);
    try {
      return this.dispatch(sent, this);
    } catch (error) {
      this.#settle();
      throw error;
    }
  }

  async #waitAndSend(): Promise<void> {
    this.#open();
    this.request.unsettled?.waiting.add(this);
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

  #holdBack(controller: Controller, status: number, socket?: Duplex): void {
    const refusal = new Refusal(controller, socket);
    this.#refusal = refusal;
    this.request.unsettled?.waiting.add(this);
    this.request.journey
      .shouldRetry(status, this.#canSendAgain, this.#startWait().signal)
      .then((isSentAgain) => (isSentAgain && this.#canSendAgain ? this.#discard(refusal) : this.#release(refusal)))
      .catch((error) => {
        controller.abort(error);
        this.#fail(error);
      });
  }

  #tellUpgrade(status: number, headers: IncomingHttpHeaders, socket: Duplex): void {
    this.#end();
    this.handler.onRequestUpgrade?.(this, status, headers, socket);
  }

  #tellStart(status: number, headers: IncomingHttpHeaders, statusText?: string): void {
    if (status >= 200) {
      // Of a refusal the caller may yet pause what follows, which is held here then.
      if (this.#refusal === undefined) this.#settle();
      this.request.body?.release();
    }
    this.handler.onResponseStart?.(this, status, headers, statusText);
  }

  #tellData(chunk: Buffer): void {
    this.handler.onResponseData?.(this, chunk);
  }

  #tellEnd(trailers: IncomingHttpHeaders): void {
    this.#end();
    this.handler.onResponseEnd?.(this, trailers);
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
    try {
      const isAll = refusal.release((isHead) => !this.#hasFailed && (isHead || !this.#holdsBack));
      if (!isAll || this.#holdsBack) return;
      this.#settle();
      this.#refusal = undefined;
      this.#attempt?.resume();
    } catch (error) {
      // As undici does with what a handler throws.
      this.#attempt?.abort(error as Error);
      this.#fail(error);
    }
  }

  /** An answer to HEAD cannot be paused: it has nothing that could follow later. */
  get #holdsBack(): boolean {
    return this.#isPaused && this.request.options.method !== 'HEAD';
  }

  #endRefusal(refusal: Refusal, hold: 'hold' | 'holdFailure', tell: () => void): void {
    refusal.end();
    if (refusal.isDiscarded) this.#sendAgain();
    // It may end while it is paused: the answer to HEAD has no body to hold back, and a connection can break.
    else refusal[hold](tell);
  }

  #sendAgain(): void {
    this.#refusal = undefined;
    try {
      // It is at hand: the journey has it.
      this.#send(this.request.journey.valueAtHand()!);
    } catch (error) {
      this.#fail(error);
    }
    // A request is sent once more, and no more than once.
    this.#settle();
  }

  #open(): void {
    if (!this.#isUnsettled) this.request.unsettled?.add();
    this.#isUnsettled = true;
  }

  #settle(): void {
    if (!this.#isUnsettled) return;
    this.#isUnsettled = false;
    this.request.unsettled?.waiting.delete(this);
    this.request.unsettled?.delete();
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
    this.#refusal?.end();
    this.#refusal?.closeSocket();
    this.#end();
    // Whatever it is: the reason of the caller's own signal need not be an error.
    this.handler.onResponseError?.(controller as Controller, error as Error);
  }
}
