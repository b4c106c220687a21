import type { ProjectedTokenError } from '../errors.js';
import { TokenExchangeError } from '../errors.js';
import { withDeadline } from '../internal/deadline.js';
import { isProjectedTokenError } from '../internal/is-projected-token-error.js';
import { BackOff } from './back-off.js';

/** What one attempt does, and who hears how it ended. Neither callback may throw. */
export interface AttemptSteps<T> {
  obtain(signal: AbortSignal): Promise<T>;
  onSuccess(result: T): void;
  onFailure(error: ProjectedTokenError): void;
}

/**
 * Makes attempts at an exchange: one at a time, shared by all who ask meanwhile, each with a deadline, and with pauses after
 * failures. The pauses are measured with the monotonic clock: a clock that is set back stretches none.
 */
export class Attempts<T> {
  #underWay: Promise<void> | undefined;
  #failure: ProjectedTokenError | undefined;
  #pauseUntil = Number.NEGATIVE_INFINITY;
  readonly #backOff = new BackOff();

  /**
   * @param timeoutMs - deadline of one attempt, in milliseconds; what `obtain` gives later is dropped
   * @param closing - ends the attempt under way, and nobody hears of it
   */
  constructor(
    private readonly timeoutMs: number,
    private readonly closing: AbortSignal,
  ) {}

  /** The attempt that has begun and not ended. Never rejects. */
  get underWay(): Promise<void> | undefined {
    return this.#underWay;
  }

  /** Why the last attempt failed; undefined when it did not. */
  get failure(): ProjectedTokenError | undefined {
    return this.#failure;
  }

  /** How long the pause after a failure still lasts, in milliseconds; 0 or less when it is over or there was none. */
  get pauseLeftMs(): number {
    return this.#pauseUntil - performance.now();
  }

  /** Makes an attempt, or joins the one under way. Resolves when it has ended; never rejects. */
  run(steps: AttemptSteps<T>): Promise<void> {
    this.#underWay ??= this.#attempt(steps).finally(() => {
      this.#underWay = undefined;
    });
    return this.#underWay;
  }

  async #attempt({ obtain, onSuccess, onFailure }: AttemptSteps<T>): Promise<void> {
    let result: T;
    try {
      const toError = () => tookTooLong(this.timeoutMs);
      result = await withDeadline(obtain, { timeoutMs: this.timeoutMs, toError, signal: this.closing });
    } catch (cause) {
      if (this.closing.aborted) return;
      const error = isProjectedTokenError(cause) ? cause : sourceFailed(cause);
      const { retryAfterMs } = error as Partial<TokenExchangeError>;
      this.#failure = error;
      this.#pauseUntil = performance.now() + this.#backOff.next(retryAfterMs);
      onFailure(error);
      return;
    }
    // The result was there, and the closing came before anybody looked at it.
    if (this.closing.aborted) return;
    this.#failure = undefined;
    this.#pauseUntil = Number.NEGATIVE_INFINITY;
    this.#backOff.reset();
    onSuccess(result);
  }
}

function tookTooLong(timeoutMs: number): TokenExchangeError {
  return new TokenExchangeError(
    'ERR_EXCHANGE_UNAVAILABLE',
    `The exchange did not end within ${timeoutMs} ms. The server or the source of the token does not answer; the next attempt follows after a pause.`,
  );
}

function sourceFailed(cause: unknown): TokenExchangeError {
  return new TokenExchangeError(
    'ERR_EXCHANGE_UNAVAILABLE',
    'There is no service account token to exchange: its source failed. The cause is what the source threw.',
    { cause },
  );
}
