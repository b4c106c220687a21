import type { Unsettled, WaitingRequest } from '../dispatch/carried-request.js';

/**
 * The requests of a dispatcher that wait for a token, or may yet be sent once more. undici does not know that they will come, so a
 * graceful end has to wait for them before undici may be told of it.
 */
export class UnsettledRequests implements Unsettled {
  readonly waiting = new Set<WaitingRequest>();
  #count = 0;
  #onceSettled: (() => void)[] = [];

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  /** Whether somebody waits for them. */
  get areAwaited(): boolean {
    return this.#onceSettled.length > 0;
  }

  add(): void {
    this.#count++;
  }

  delete(): void {
    this.#count--;
    if (this.areAwaited && this.isEmpty) this.#tell();
  }

  /** Calls back once there are none. */
  onceSettled(callback: () => void): void {
    this.#onceSettled.push(callback);
    if (this.isEmpty) this.#tell();
  }

  /** Ends all waits for a token. */
  end(error: Error): void {
    this.#tell();
    for (const request of this.waiting) request.endWait(error);
  }

  #tell(): void {
    for (const callback of this.#onceSettled.splice(0)) callback();
  }
}
