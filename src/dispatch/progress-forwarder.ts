/** What both kinds of handler are told of a request besides its answer, though the types of undici do not say so. */
export interface ProgressHandler {
  onBodySent?(chunk: unknown): void;
  onRequestSent?(): void;
  onResponseStarted?(): void;
}

/** A handler in front of another one, which it tells how a request gets on. */
export abstract class ProgressForwarder<Handler extends ProgressHandler> implements ProgressHandler {
  constructor(protected readonly handler: Handler) {}

  onBodySent(chunk: unknown): void {
    this.handler.onBodySent?.(chunk);
  }

  onRequestSent(): void {
    this.handler.onRequestSent?.();
  }

  onResponseStarted(): void {
    this.handler.onResponseStarted?.();
  }
}
