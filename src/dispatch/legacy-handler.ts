import type { IncomingHttpHeaders } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Dispatcher } from 'undici';
import { ProgressForwarder, type ProgressHandler } from './progress-forwarder.js';

type Controller = Dispatcher.DispatchController;
export type RawHeaders = NonNullable<Controller['rawHeaders']>;

/**
 * A handler as undici had them up to version 6 (`onConnect`, `onHeaders`, `onData`, …). The functions of undici 7 and the `fetch` of
 * Node 20 to 24 still have these.
 */
export interface LegacyHandler extends ProgressHandler {
  onConnect?(abort: (reason?: Error) => void, context?: unknown): void;
  onHeaders?(status: number, headers: RawHeaders, resume: () => void, statusText?: string): boolean | undefined;
  onUpgrade?(status: number, headers: RawHeaders, socket: Duplex): void;
  onData?(chunk: Buffer): boolean | undefined;
  onComplete?(trailers: RawHeaders): void;
  onError?(error: Error): void;
}

/** A handler as undici has them since version 7. */
export type Handler = Omit<Dispatcher.DispatchHandler, keyof LegacyHandler> & ProgressHandler;

/** Returns whether a handler is one of those. */
export function isLegacyHandler(handler: object): handler is LegacyHandler {
  return typeof (handler as Partial<Handler>).onRequestStart !== 'function';
}

/** Fails a request that is not sent, as undici's own dispatchers do. */
export function failDispatch(handler: Dispatcher.DispatchHandler, error: Error): false {
  if (isLegacyHandler(handler)) (handler as LegacyHandler).onError?.(error);
  else handler.onResponseError?.(null as never, error);
  return false;
}

/** A handler of undici 7 and later that passes on what it is told to one of the older kind. Headers stay as they came. */
export class FromLegacyHandler extends ProgressForwarder<LegacyHandler> implements Handler {
  onRequestStart(controller: Controller, context: unknown): void {
    this.handler.onConnect?.((reason) => controller.abort(reason as Error), context);
  }

  onRequestUpgrade({ rawHeaders }: Controller, status: number, _headers: IncomingHttpHeaders, socket: Duplex): void {
    this.handler.onUpgrade?.(status, rawHeaders ?? [], socket);
  }

  onResponseStart(controller: Controller, status: number, _headers: IncomingHttpHeaders, statusText?: string): void {
    const goesOn = this.handler.onHeaders?.(status, controller.rawHeaders ?? [], () => controller.resume(), statusText);
    // Nothing follows on an informational response that could be paused.
    if (goesOn === false && status >= 200) controller.pause();
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    if (this.handler.onData?.(chunk) === false) controller.pause();
  }

  onResponseEnd({ rawTrailers }: Controller): void {
    this.handler.onComplete?.(rawTrailers ?? []);
  }

  onResponseError(_controller: Controller, error: Error): void {
    if (this.handler.onError === undefined) throw error;
    this.handler.onError(error);
  }
}

/** A handler of the older kind that passes on what it is told to one of undici 7 and later. Headers are not parsed, only passed on. */
export class ToLegacyHandler extends ProgressForwarder<Handler> implements LegacyHandler, Controller {
  rawHeaders: RawHeaders | null = null;
  rawTrailers: RawHeaders | null = null;
  aborted = false;
  reason: Error | null = null;
  paused = false;
  #abort: ((reason?: Error) => void) | undefined;
  #resume: (() => void) | undefined;

  /** @param abort - where the handler was told already that the request started */
  constructor(handler: Handler, abort?: (reason?: Error) => void) {
    super(handler);
    this.#abort = abort;
  }

  onConnect(abort: (reason?: Error) => void, context?: unknown): void {
    this.#abort = abort;
    this.handler.onRequestStart?.(this, context);
  }

  onHeaders(status: number, headers: RawHeaders, resume: () => void, statusText?: string): boolean {
    this.#resume = resume;
    this.rawHeaders = headers;
    this.handler.onResponseStart?.(this, status, {}, statusText);
    return !this.paused;
  }

  onUpgrade(status: number, headers: RawHeaders, socket: Duplex): void {
    this.rawHeaders = headers;
    this.handler.onRequestUpgrade?.(this, status, {}, socket);
  }

  onData(chunk: Buffer): boolean {
    this.handler.onResponseData?.(this, chunk);
    return !this.paused;
  }

  onComplete(trailers: RawHeaders): void {
    this.rawTrailers = trailers;
    this.handler.onResponseEnd?.(this, {});
  }

  onError(error: Error): void {
    this.handler.onResponseError?.(this, error);
  }

  abort(reason?: Error): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason ?? null;
    this.#abort?.(reason);
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    this.#resume?.();
  }
}
