import type { Duplex } from 'node:stream';
import type { Dispatcher } from 'undici';
import { CarriedDispatch } from './carried-dispatch.js';
import { type CarriedRequest, carryingOptions } from './carried-request.js';
import { FromLegacyHandler, type LegacyHandler, type RawHeaders, ToLegacyHandler } from './legacy-handler.js';
import { ProgressForwarder } from './progress-forwarder.js';

type Abort = (reason?: Error) => void;

/**
 * The first attempt of a request whose token is at hand, for a handler of the older kind: passes on what undici tells, just as it
 * comes. A refusal is left to a {@link CarriedDispatch}, which is not made before: most requests need none.
 */
export class FirstAttempt extends ProgressForwarder<LegacyHandler> implements LegacyHandler {
  #abort: Abort | undefined;
  #isAborted = false;
  /** The server may yet refuse the token. */
  #isOpen = true;
  #carried: CarriedDispatch | undefined;
  /** What undici tells of a refused attempt goes there. */
  #refused: LegacyHandler | undefined;

  /** @param dispatch - sends the second attempt */
  constructor(
    private readonly dispatch: Dispatcher['dispatch'],
    private readonly request: CarriedRequest,
    handler: LegacyHandler,
  ) {
    super(handler);
  }

  /**
   * @param dispatcher - sends this attempt
   * @param value - of the header with the token
   * @returns what undici's `dispatch` does
   * @throws what the dispatcher throws
   */
  send(dispatcher: Dispatcher, value: string): boolean {
    this.request.unsettled?.add();
    try {
      return dispatcher.dispatch(carryingOptions(this.request, value), this as Dispatcher.DispatchHandler);
    } catch (error) {
      this.#settle();
      throw error;
    }
  }

  onConnect(abort: Abort, context?: unknown): void {
    this.#abort = abort;
    this.handler.onConnect?.((reason) => this.#abortAttempt(reason), context);
  }

  onHeaders(status: number, headers: RawHeaders, resume: () => void, statusText?: string): boolean | undefined {
    return this.#receiverOf(status, status >= 200).onHeaders?.(status, headers, resume, statusText);
  }

  onUpgrade(status: number, headers: RawHeaders, socket: Duplex): void {
    this.#receiverOf(status, true).onUpgrade?.(status, headers, socket);
  }

  onData(chunk: Buffer): boolean | undefined {
    return (this.#refused ?? this.handler).onData?.(chunk);
  }

  onComplete(trailers: RawHeaders): void {
    (this.#refused ?? this.handler).onComplete?.(trailers);
  }

  onError(error: Error): void {
    this.#settle();
    (this.#refused ?? this.handler).onError?.(error);
  }

  /** Who gets to know of an answer. */
  #receiverOf(status: number, isFinal: boolean): LegacyHandler {
    if (this.request.carriage.isRefusal(status) && this.#isOpen && !this.#isAborted) {
      this.#isOpen = false;
      this.#carried = new CarriedDispatch(this.dispatch, this.request, new FromLegacyHandler(this.handler));
      const refused = new ToLegacyHandler(this.#carried, this.#abort);
      this.#refused = refused;
      this.#carried.takeOver(refused);
    }
    if (isFinal) this.#settle();
    return this.#refused ?? this.handler;
  }

  #abortAttempt(reason?: Error): void {
    this.#isAborted = true;
    if (this.#carried === undefined) this.#abort?.(reason);
    else this.#carried.abort(reason as Error);
  }

  #settle(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.request.unsettled?.delete();
    this.request.body?.release();
  }
}
