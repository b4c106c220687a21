import type { Duplex } from 'node:stream';
import type { Dispatcher } from 'undici';

type Controller = Dispatcher.DispatchController;

/**
 * Longest body of a refusal that is read to its end when there is a second attempt, so that its connection can be used again. As much is
 * kept of one that was handed on to a caller who has paused.
 */
const MAX_READ_BYTES = 64 * 1024;

/** As much of a refusal's body is kept while it is decided on. It cannot be paused, see {@link Refusal.holdData}. */
const MAX_KEPT_BYTES = 10 * 1024 * 1024;

/**
 * Nor is it waited for any longer than this: the caller waits for the second attempt. What is there of a body of 64 KiB arrives
 * within a few round trips, so a body that takes a second stalls.
 */
const MAX_WAIT_MS = 1000;

function ignore(): void {}

/** An answer that may lead to a second attempt: it is kept from the caller until that is decided. */
export class Refusal {
  /** What to tell the caller, in this order, if there is no second attempt. */
  readonly #held: { readonly tell: () => void; readonly length: number }[] = [];
  #failure: (() => void) | undefined;
  #isDiscarded = false;
  #isReleased = false;
  #heldBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  /** Nothing more of it will come. */
  hasEnded = false;

  /** @param socket - that an answer to CONNECT came with; until it is handed on, nobody else knows it */
  constructor(
    private readonly controller: Controller,
    private readonly socket?: Duplex,
  ) {
    socket?.on('error', ignore);
  }

  /** There will be a second attempt, and what is left of this one is thrown away. */
  get isDiscarded(): boolean {
    return this.#isDiscarded;
  }

  hold(tell: () => void, length = 0): void {
    this.#heldBytes += length;
    this.#held.push({ tell, length });
  }

  /**
   * Does not pause: undici fails an assertion, which nobody can catch, where a connection ends while its last answer is paused and nothing
   * of it is left to read. And over HTTP/2, undici 6 reports an answer without a body that was paused at its head as one that broke.
   */
  holdData(length: number, tell: () => void): void {
    if (!this.#isDiscarded) {
      this.hold(tell, length);
      // As the caller wants it, who could have paused as long a body without this library.
      if (this.#isReleased && this.#heldBytes > MAX_READ_BYTES) this.controller.pause();
      else if (this.#heldBytes > MAX_KEPT_BYTES) this.#cutOff('is too long to be kept');
      return;
    }
    this.#heldBytes += length;
    if (this.#heldBytes > MAX_READ_BYTES) this.#cutOff('is too long to be read to its end');
  }

  end(): void {
    this.hasEnded = true;
    clearTimeout(this.#timer);
  }

  /** It broke. A caller is told of that also while it has paused the answer. */
  holdFailure(tell: () => void): void {
    if (this.#isReleased) tell();
    else this.#failure = tell;
  }

  discard(): void {
    this.#isDiscarded = true;
    this.closeSocket();
    if (this.hasEnded) return;
    this.#timer = setTimeout(() => this.#cutOff('does not come to its end'), MAX_WAIT_MS);
    this.controller.resume();
  }

  closeSocket(): void {
    this.socket?.destroy();
  }

  /** There will be none, and the caller is told of this one, unless it has paused on the way. */
  get isReleased(): boolean {
    return this.#isReleased;
  }

  /**
   * Tells the caller what was held back.
   *
   * @param wantsMore - asked before each piece: a caller that has paused wants the head all the same
   * @returns whether that was all of it
   */
  release(wantsMore: (isHead: boolean) => boolean): boolean {
    this.socket?.off('error', ignore);
    while (this.#held.length > 0 && wantsMore(!this.#isReleased)) {
      this.#isReleased = true;
      const { tell, length } = this.#held.shift()!;
      this.#heldBytes -= length;
      tell();
    }
    // fetch misses an error that comes in the turn of the head, and its body would never end.
    if (this.#failure !== undefined) setImmediate(this.#failure);
    this.#failure = undefined;
    return this.#held.length === 0;
  }

  #cutOff(why: string): void {
    this.controller.abort(new Error(`The body of the refusal ${why}.`));
  }
}
