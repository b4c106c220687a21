import type { Dispatcher } from 'undici';

type Controller = Dispatcher.DispatchController;
type Handler = Dispatcher.DispatchHandler;

/** A handler that keeps all that undici tells it, as an interceptor or a program of its own would get to see it. */
export class RecordedDispatch implements Handler {
  /** What it was told, in this order, such as `head 200`, `data`, `end`. */
  readonly told: string[] = [];
  body = '';
  controller!: Controller;
  error: unknown;

  /** @param reactions - what to do, beyond keeping it, when it is told so */
  constructor(private readonly reactions: { readonly head?: () => void; readonly end?: () => void } = {}) {}

  onRequestStart(controller: Controller): void {
    this.controller = controller;
    this.told.push('start');
  }

  onRequestUpgrade(): void {
    this.told.push('upgrade');
  }

  onResponseStart(_controller: Controller, status: number): void {
    this.told.push(`head ${status}`);
    this.reactions.head?.();
  }

  onResponseData(_controller: Controller, chunk: Buffer): void {
    if (this.told.at(-1) !== 'data') this.told.push('data');
    this.body += chunk;
  }

  onResponseEnd(): void {
    this.told.push('end');
    this.reactions.end?.();
  }

  onResponseError(_controller: Controller, error: unknown): void {
    this.told.push('error');
    this.error = error;
  }
}
