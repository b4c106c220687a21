import type { Dispatcher } from 'undici';
import { isReplayableBody } from '../carry/is-replayable-body.js';
import type { TokenCarriage, TokenJourney } from '../carry/token-carriage.js';
import type { HeadersByName } from './dispatch-headers.js';

type Controller = Dispatcher.DispatchController;
type Handler = Dispatcher.DispatchHandler;

/** What undici tells a handler, without the controller. */
type Told<Event extends keyof Handler> =
  Parameters<NonNullable<Handler[Event]>> extends [unknown, ...infer Rest] ? Rest : never;

/** A refusal's body is read to its end, so that its connection can be used again, unless it is longer than this. */
const MAX_REFUSAL_BYTES = 64 * 1024;

/** A request that carries the token. */
export interface CarriedRequest {
  readonly carriage: TokenCarriage;
  readonly journey: TokenJourney;
  /** Where it goes. */
  readonly url: URL;
  readonly headers: HeadersByName;
  readonly options: Dispatcher.DispatchOptions;
}

/** An answer that may lead to a second attempt: it is kept from the caller until that is decided. */
interface Refusal {
  /** What to tell the caller, in this order, if there is no second attempt. */
  readonly held: (() => void)[];
  /** There will be a second attempt, and what is left of this one is thrown away. */
  isDiscarded: boolean;
  hasEnded: boolean;
  discardedBytes: number;
}

/**
 * One request on its way through undici, to which this is the handler; to the caller's handler it is the controller. It begins
 * before the token is there, and keeps a refusal to itself if the request is sent once more.
 */
export class CarriedDispatch implements Handler, Controller {
  readonly #abort = new AbortController();
  /** The attempt under way, or the last one. */
  #inner: Controller | undefined;
  #refusal: Refusal | undefined;
  #isPaused = false;
  #isOver = false;
  #hasFailed = false;

  constructor(
    private readonly dispatch: Dispatcher['dispatch'],
    private readonly request: CarriedRequest,
    private readonly handler: Handler,
  ) {}

  start(): boolean {
    // Before the token is there: an abort during the wait must reach the caller at once.
    try {
      this.handler.onRequestStart?.(this, {});
    } catch (error) {
      this.#fail(error);
    }
    void this.#send();
    return true;
  }

  onRequestStart(controller: Controller): void {
    this.#inner = controller;
    if (this.aborted) controller.abort(this.#abort.signal.reason);
    else if (this.#isPaused) controller.pause();
  }

  onRequestUpgrade(_controller: Controller, ...told: Told<'onRequestUpgrade'>): void {
    this.#isOver = true;
    this.handler.onRequestUpgrade?.(this, ...told);
  }

  onResponseStart(controller: Controller, ...told: Told<'onResponseStart'>): void {
    const [status] = told;
    const tell = () => this.handler.onResponseStart?.(this, ...told);
    if (this.request.carriage.isRefusal(status)) this.#hold(controller, status, tell);
    else tell();
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    const refusal = this.#refusal;
    const tell = () => this.handler.onResponseData?.(this, chunk);
    if (refusal === undefined) {
      tell();
    } else if (refusal.isDiscarded) {
      refusal.discardedBytes += chunk.length;
      if (refusal.discardedBytes > MAX_REFUSAL_BYTES)
        controller.abort(new Error('The refusal is too long to be read.'));
    } else {
      refusal.held.push(tell);
    }
  }

  onResponseEnd(_controller: Controller, ...told: Told<'onResponseEnd'>): void {
    this.#endAttempt(() => {
      this.#isOver = true;
      this.handler.onResponseEnd?.(this, ...told);
    });
  }

  onResponseError(_controller: Controller, error: Error): void {
    this.#endAttempt(() => this.#fail(error));
  }

  get aborted(): boolean {
    return this.#abort.signal.aborted;
  }

  get reason(): Error | null {
    return this.aborted ? this.#abort.signal.reason : null;
  }

  get paused(): boolean {
    return this.#isPaused;
  }

  get rawHeaders(): Controller['rawHeaders'] {
    return this.#inner?.rawHeaders;
  }

  set rawHeaders(headers: Controller['rawHeaders']) {
    if (this.#inner !== undefined) this.#inner.rawHeaders = headers;
  }

  get rawTrailers(): Controller['rawTrailers'] {
    return this.#inner?.rawTrailers;
  }

  set rawTrailers(trailers: Controller['rawTrailers']) {
    if (this.#inner !== undefined) this.#inner.rawTrailers = trailers;
  }

  abort(reason: Error): void {
    if (this.#isOver || this.aborted) return;
    this.#abort.abort(reason);
    // undici says so to the handler itself if an attempt is under way, with an error of its own where there is no reason.
    this.#inner?.abort(reason);
    this.#fail(this.#abort.signal.reason);
  }

  pause(): void {
    this.#isPaused = true;
    this.#inner?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#inner?.resume();
  }

  async #send(): Promise<void> {
    if (this.#isOver) return;
    const { journey, url, options, headers, carriage } = this.request;
    try {
      const value = await journey.valueFor(url, this.#abort.signal);
      // Beneath this dispatcher nobody may take the token along to another origin.
      const carried = { ...options, headers: { ...headers, [carriage.header]: value }, maxRedirections: 0 };
      this.dispatch(carried, this);
    } catch (error) {
      this.#fail(error);
    }
  }

  #hold(controller: Controller, status: number, tell: () => void): void {
    const refusal: Refusal = { held: [tell], isDiscarded: false, hasEnded: false, discardedBytes: 0 };
    this.#refusal = refusal;
    controller.pause();
    const canSendAgain = isReplayableBody(this.request.options.body);
    this.request.journey
      .shouldRetry(status, canSendAgain, this.#abort.signal)
      .then((isSentAgain) => (isSentAgain ? this.#discard(refusal, controller) : this.#release(refusal, controller)))
      .catch((error) => {
        controller.abort(error);
        this.#fail(error);
      });
  }

  #discard(refusal: Refusal, controller: Controller): void {
    refusal.isDiscarded = true;
    if (refusal.hasEnded) this.#sendAgain();
    else controller.resume();
  }

  #release(refusal: Refusal, controller: Controller): void {
    this.#refusal = undefined;
    for (const tell of refusal.held) {
      if (!this.#hasFailed) tell();
    }
    if (!this.#isPaused) controller.resume();
  }

  #endAttempt(tell: () => void): void {
    const refusal = this.#refusal;
    if (refusal === undefined) {
      tell();
    } else if (refusal.isDiscarded) {
      this.#sendAgain();
    } else {
      // It may end while it is paused: the answer to HEAD has no body to hold back, and a connection can break.
      refusal.hasEnded = true;
      refusal.held.push(tell);
    }
  }

  #sendAgain(): void {
    this.#refusal = undefined;
    void this.#send();
  }

  #fail(error: unknown): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#isOver = true;
    // Whatever it is: the reason of the caller's own signal need not be an error.
    this.handler.onResponseError?.(this, error as Error);
  }
}
