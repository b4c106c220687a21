import type { UnsettledRequest } from '../dispatch/carried-request.js';

/**
 * The requests of a dispatcher that wait for a token, or may yet be sent once more. undici does not know that they will come, so a
 * graceful end has to wait for them before undici may be told of it.
 */
export class UnsettledRequests {
  readonly #requests = new Set<UnsettledRequest>();
  #onceSettled: (() => void)[] = [];

  get isEmpty(): boolean {
    return this.#requests.size === 0;
  }

  /** Whether somebody waits for them. */
  get areAwaited(): boolean {
    return this.#onceSettled.length > 0;
  }

  add(request: UnsettledRequest): void {
    this.#requests.add(request);
  }

  delete(request: UnsettledRequest): void {
    if (this.#requests.delete(request) && this.areAwaited && this.isEmpty) this.#tell();
  }

  /** Calls back once there are none. */
  onceSettled(callback: () => void): void {
    this.#onceSettled.push(callback);
    if (this.isEmpty) this.#tell();
  }

  /** Ends all waits for a token. */
  end(error: Error): void {
    this.#tell();
    for (const request of this.#requests) request.endWait(error);
  }

  #tell(): void {
    for (const callback of this.#onceSettled.splice(0)) callback();
  }
}
