import type { IncomingHttpHeaders } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { RawHeaders } from './legacy-handler.js';

type Controller = Dispatcher.DispatchController;

/**
 * As much of a refusal's body is kept while it is decided on. When there is a second attempt, a body that is no longer is read to its end,
 * so that its connection can be used again.
 */
const MAX_BYTES = 64 * 1024;

/** The same for a body that must not be paused. */
const MAX_UNPAUSED_BYTES = 10 * 1024 * 1024;

/**
 * Nor is it waited for any longer than this: the caller waits for the second attempt. What is there of a body of 64 KiB arrives
 * within a few round trips, so a body that takes a second stalls.
 */
const MAX_WAIT_MS = 1000;

function ignore(): void {}

/** An answer that may lead to a second attempt: it is kept from the caller until that is decided. */
export class Refusal {
  /** What to tell the caller, in this order, if there is no second attempt. */
  readonly #held: (() => void)[] = [];
  #failure: (() => void) | undefined;
  #isDiscarded = false;
  #isReleased = false;
  readonly #mayBePaused: boolean;
  #bytes = 0;
  #timer: NodeJS.Timeout | undefined;
  /** Nothing more of it will come. */
  hasEnded = false;

  /**
   * @param headers - of a dispatcher of undici 7 and later; the others give raw ones only
   * @param socket - that an answer to CONNECT came with; until it is handed on, nobody else knows it
   */
  constructor(
    private readonly controller: Controller,
    headers: IncomingHttpHeaders,
    private readonly socket?: Duplex,
  ) {
    this.#mayBePaused = hasLength(headers, controller.rawHeaders ?? []);
    socket?.on('error', ignore);
  }

  /** There will be a second attempt, and what is left of this one is thrown away. */
  get isDiscarded(): boolean {
    return this.#isDiscarded;
  }

  hold(tell: () => void): void {
    this.#held.push(tell);
  }

  /**
   * Pauses a long body only, and none that ends with its connection: undici fails an assertion, which nobody can catch, where it does so
   * while it is paused. Over HTTP/2, undici 6 reports an answer without a body that was paused at its head as one that broke.
   */
  holdData(length: number, tell: () => void): void {
    this.#bytes += length;
    const isLong = this.#bytes > MAX_BYTES;
    if (!this.#isDiscarded) {
      this.hold(tell);
      if (isLong && this.#mayBePaused) this.controller.pause();
      if (this.#bytes > MAX_UNPAUSED_BYTES) this.#cutOff('is too long to be kept');
    } else if (isLong) this.#cutOff('is too long to be read to its end');
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
      this.#held.shift()!();
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

/** Returns whether something else than the end of the connection tells where the body ends (RFC 9112 section 6.3). */
function hasLength(headers: IncomingHttpHeaders, rawHeaders: RawHeaders): boolean {
  const names = [...Object.keys(headers), ...(Array.isArray(rawHeaders) ? rawHeaders.map(String) : [])];
  return names.some((name) => /^(content-length|transfer-encoding)$/i.test(name));
}
