import type { ProjectedTokenError } from '../errors.js';
import { TokenExchangeError } from '../errors.js';
import { withDeadline } from '../internal/deadline.js';
import { isProjectedTokenError } from '../internal/is-projected-token-error.js';
import { BackOff } from './back-off.js';

/** One attempt, and the callbacks for its result. Neither callback may throw. */
export interface AttemptSteps<T> {
  obtain(signal: AbortSignal): Promise<T>;
  onSuccess(result: T): void;
  onFailure(error: ProjectedTokenError): void;
}

/**
 * Runs attempts at an exchange: one at a time, shared by all callers (single-flight), each with a deadline, and with a pause after a
 * failure. Pauses are measured with the monotonic clock, so a clock that is set back does not lengthen them.
 */
export class Attempts<T> {
  #underWay: Promise<void> | undefined;
  #failure: ProjectedTokenError | undefined;
  #pauseUntil = Number.NEGATIVE_INFINITY;
  readonly #backOff = new BackOff();

  /**
   * @param timeoutMs - deadline of one attempt, in milliseconds; a later result of `obtain` is dropped
   * @param closing - ends the attempt under way, without a callback
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
    // Closed between the result and this line.
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
    `The exchange did not end within ${timeoutMs} ms: the server or the source of the token does not answer. It will be retried after a pause.`,
  );
}

function sourceFailed(cause: unknown): TokenExchangeError {
  return new TokenExchangeError(
    'ERR_EXCHANGE_UNAVAILABLE',
    'There is no service account token to exchange: its source failed with the error in "cause". Check the source.',
    { cause },
  );
}
