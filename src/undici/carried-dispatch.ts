import type { Dispatcher } from 'undici';
import { isReplayableBody } from '../carry/is-replayable-body.js';
import type { TokenCarriage, TokenJourney } from '../carry/token-carriage.js';
import { withHeader } from './dispatch-headers.js';

type Dispatch = Dispatcher['dispatch'];
type Controller = Dispatcher.DispatchController;
type Handler = Dispatcher.DispatchHandler;

type ResponseStart =
  Parameters<NonNullable<Handler['onResponseStart']>> extends [unknown, ...infer Rest] ? Rest : never;

/** A refusal's body is read to its end, so that its connection can be used again, unless it is longer than this. */
const MAX_REFUSAL_BYTES = 64 * 1024;

/** An answer that may lead to a second attempt. */
interface Refusal {
  readonly decided: Promise<boolean>;
  /** Known once decided. */
  isSentAgain?: boolean;
  bytes: number;
}

/**
 * One request on its way through undici. Stands between undici and the caller's handler: begins before the token is there, and
 * keeps a refusal to itself if the request is going to be sent once more.
 */
export class CarriedDispatch implements Handler {
  readonly #abort = new AbortController();
  readonly #journey: TokenJourney;
  readonly #controller: Controller;
  #inner: Controller | undefined;
  #refusal: Refusal | undefined;

  constructor(
    private readonly dispatch: Dispatch,
    private readonly carriage: TokenCarriage,
    private readonly url: URL,
    private readonly request: Dispatcher.DispatchOptions,
    private readonly handler: Handler,
  ) {
    this.#journey = carriage.begin();
    this.#controller = this.#makeController();
  }

  start(): boolean {
    // Before the token is there: an abort during the wait must reach the caller at once.
    try {
      this.handler.onRequestStart?.(this.#controller, {});
    } catch (error) {
      this.#fail(error);
      return true;
    }
    void this.#send();
    return true;
  }

  onRequestStart(controller: Controller): void {
    this.#inner = controller;
    if (this.#abort.signal.aborted) controller.abort(this.#abort.signal.reason);
  }

  onRequestUpgrade(...[, ...args]: Parameters<NonNullable<Handler['onRequestUpgrade']>>): void {
    this.handler.onRequestUpgrade?.(this.#controller, ...args);
  }

  onResponseStart(controller: Controller, ...args: ResponseStart): void {
    const [status] = args;
    if (!this.carriage.isRefusal(status)) {
      this.handler.onResponseStart?.(this.#controller, ...args);
      return;
    }
    const canSendAgain = isReplayableBody(this.request.body);
    const decided = this.#journey.shouldRetry(status, canSendAgain, this.#abort.signal);
    const refusal: Refusal = { decided, bytes: 0 };
    this.#refusal = refusal;
    controller.pause();
    decided.then(
      (isSentAgain) => {
        refusal.isSentAgain = isSentAgain;
        if (!isSentAgain) this.handler.onResponseStart?.(this.#controller, ...args);
        controller.resume();
      },
      (error) => controller.abort(error),
    );
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    if (!this.#refusal?.isSentAgain) {
      this.handler.onResponseData?.(this.#controller, chunk);
      return;
    }
    this.#refusal.bytes += chunk.length;
    if (this.#refusal.bytes > MAX_REFUSAL_BYTES) controller.abort(new Error('The refusal is too long to be read.'));
  }

  onResponseEnd(_controller: Controller, trailers: Parameters<NonNullable<Handler['onResponseEnd']>>[1]): void {
    const refusal = this.#refusal;
    if (refusal === undefined || refusal.isSentAgain === false) {
      this.handler.onResponseEnd?.(this.#controller, trailers);
      return;
    }
    // A short refusal may have arrived whole before the pause took hold.
    refusal.decided.then(
      (isSentAgain) => (isSentAgain ? this.#sendAgain() : this.handler.onResponseEnd?.(this.#controller, trailers)),
      (error) => this.#fail(error),
    );
  }

  onResponseError(_controller: Controller, error: Error): void {
    if (this.#refusal?.isSentAgain && !this.#abort.signal.aborted) this.#sendAgain();
    else this.#fail(error);
  }

  #sendAgain(): void {
    this.#refusal = undefined;
    void this.#send();
  }

  async #send(): Promise<void> {
    try {
      const value = (await this.#journey.valueFor(this.url, this.#abort.signal)) ?? '';
      if (this.#abort.signal.aborted) return;
      const headers = withHeader(this.request.headers, this.carriage.header, value);
      // Beneath this dispatcher nobody may take the token along to another origin.
      this.dispatch({ ...this.request, headers, maxRedirections: 0 } as Dispatcher.DispatchOptions, this);
    } catch (error) {
      if (!this.#abort.signal.aborted) this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    const cause = error instanceof Error ? error : new Error(String(error), { cause: error });
    this.handler.onResponseError?.(this.#controller, cause);
  }

  /** What the caller aborts, pauses and resumes: the attempt under way, or the wait for the token. */
  #makeController(): Controller {
    const { signal } = this.#abort;
    const inner = () => this.#inner;
    const abort = (reason: Error) => {
      if (signal.aborted) return;
      this.#abort.abort(reason);
      if (this.#inner === undefined) this.#fail(reason);
      else this.#inner.abort(reason);
    };
    return {
      get aborted() {
        return signal.aborted;
      },
      get paused() {
        return inner()?.paused ?? false;
      },
      get reason() {
        return signal.aborted ? signal.reason : null;
      },
      get rawHeaders() {
        return inner()?.rawHeaders;
      },
      get rawTrailers() {
        return inner()?.rawTrailers;
      },
      abort,
      pause: () => inner()?.pause(),
      resume: () => inner()?.resume(),
    } as Controller;
  }
}
