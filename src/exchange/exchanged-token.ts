import { ProjectedTokenError, TokenExchangeError, TokenSourceClosedError } from '../errors.js';
import { abortable, raceAbort, throwIfAborted } from '../internal/abort.js';
import { MAX_TIMER_MS } from '../internal/option-checks.js';
import type { GetTokenOptions } from '../token-source.js';
import { BackOff } from './back-off.js';
import { RefusalLimit } from './refusal-limit.js';

/** What an exchange gave. */
export interface Grant {
  readonly token: string;
  /** When it was asked for, in milliseconds since the epoch. */
  readonly obtainedAtMs: number;
  /** When the token stops working, in milliseconds since the epoch; infinite when it never does. */
  readonly expiresAtMs: number;
  /** When to ask for the next, before it does. */
  readonly refreshAtMs: number;
}

/** How a grant is had, and who is told what came of it. */
export interface ExchangeSteps<G extends Grant> {
  /**
   * Asks for a grant.
   *
   * @param inUse - the grant to follow; undefined when there is none that works
   */
  obtain(inUse: G | undefined, signal: AbortSignal): Promise<G>;
  /** Whether the token of a grant is accepted in spite of what a server said. Default: nobody can tell. */
  isAccepted?(grant: G, signal: AbortSignal): Promise<boolean>;
  /** Is told after the grant has come into use. */
  onGrant(grant: G): void;
  onFailure(error: ProjectedTokenError): void;
  onExpired(): void;
}

const WAIT = 'the wait for a token';

/** Timers and the clock differ by less; what differs by more is a clock that was set. */
const CLOCK_STEP_MS = 1_000;

/**
 * Keeps the token of an exchange fresh: one exchange for all who ask, the next ahead of expiry, pauses after failures, and the
 * token at hand for as long as it works, whatever the other side is doing.
 */
export class ExchangedToken<G extends Grant> {
  #grant: G | undefined;
  #hasHadGrant = false;
  #cached: Promise<string> | undefined;
  /** Until when {@link #cached} is given without a further look. */
  #freshUntilMs = Number.NEGATIVE_INFINITY;
  #attempt: Promise<void> | undefined;
  #replacing: Promise<void> | undefined;
  #failure: ProjectedTokenError | undefined;
  #pauseUntilMs = Number.NEGATIVE_INFINITY;
  readonly #backOff = new BackOff();
  readonly #refusals = new RefusalLimit();
  #timer: NodeJS.Timeout | undefined;
  readonly #closing = new AbortController();

  constructor(private readonly steps: ExchangeSteps<G>) {}

  /** The grant in use; undefined before the first, once it has expired, and when closed. */
  get grant(): G | undefined {
    return this.#grant;
  }

  /** Why the last attempt failed; undefined when it did not. */
  get failure(): ProjectedTokenError | undefined {
    return this.#failure;
  }

  /** When the next attempt is due, in milliseconds since the epoch; infinite when none is. */
  get nextAttemptAtMs(): number {
    if (this.isClosed) return Number.POSITIVE_INFINITY;
    return Math.max(this.#pauseUntilMs, this.#grant?.refreshAtMs ?? Number.NEGATIVE_INFINITY);
  }

  get state(): 'opening' | 'ready' | 'expired' | 'closed' {
    if (this.isClosed) return 'closed';
    if (this.#grant !== undefined) return 'ready';
    return this.#hasHadGrant ? 'expired' : 'opening';
  }

  get isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  /**
   * Waits for a first grant: what another attempt may mend is tried again, anything else is thrown at once.
   *
   * @param readyTimeoutMs - 0 for one attempt, however long it takes
   * @throws what `obtain` throws; `ERR_EXCHANGE_UNAVAILABLE`, `ERR_TOKEN_ABORTED`
   */
  async open(readyTimeoutMs: number, signal: AbortSignal | undefined): Promise<void> {
    throwIfAborted(signal, WAIT);
    this.#throwIfClosed();
    // Not unref'd: somebody waits for these.
    let timer: NodeJS.Timeout | undefined;
    const elapsed = new Promise<true>((resolve) => {
      if (readyTimeoutMs > 0) timer = setTimeout(resolve, readyTimeoutMs, true);
    });
    let pause: NodeJS.Timeout | undefined;
    try {
      for (;;) {
        const isLate = await this.#waitFor(Promise.race([elapsed, this.#attemptOnce(this.#usable())]), signal);
        if (this.#usable() !== undefined) return;
        if (isLate || readyTimeoutMs === 0 || !isPassing(this.#failure)) break;
        const paused = new Promise<false>((resolve) => {
          pause = setTimeout(resolve, this.#pauseUntilMs - Date.now(), false);
        });
        if (await this.#waitFor(Promise.race([elapsed, paused]), signal)) break;
      }
      throw this.#failure ?? noAnswer(readyTimeoutMs);
    } finally {
      clearTimeout(timer);
      clearTimeout(pause);
    }
  }

  /** @throws why there is no token; `ERR_TOKEN_CLOSED`, `ERR_TOKEN_ABORTED` */
  getToken(options?: GetTokenOptions): Promise<string> {
    if (Date.now() < this.#freshUntilMs && !options?.signal?.aborted) return this.#cached!;
    return this.#getToken(options?.signal);
  }

  /**
   * Is told that a server refused a token; resolves with a different one, or with `undefined`. One exchange, however many
   * callers. Tokens that are refused as soon as they are given lead to pauses: it is not the token then that is wrong.
   */
  async replaceToken(refused: string, options?: GetTokenOptions): Promise<string | undefined> {
    const signal = options?.signal;
    throwIfAborted(signal, WAIT);
    this.#throwIfClosed();
    // A renewal under way tells more than its predecessor.
    if (this.#usable()?.token === refused && this.#attempt !== undefined) await this.#waitFor(this.#attempt, signal);
    if (this.#usable()?.token === refused) {
      this.#replacing ??= this.#replace().finally(() => {
        this.#replacing = undefined;
      });
      await this.#waitFor(this.#replacing, signal);
    }
    const token = await this.#getToken(signal);
    return token === refused ? undefined : token;
  }

  /** Ends all waits. Resolves with the grant that was in use, once nothing is under way. */
  async close(): Promise<G | undefined> {
    const last = this.#usable();
    this.#closing.abort();
    clearTimeout(this.#timer);
    this.#forget();
    await Promise.all([this.#attempt, this.#replacing]);
    return last;
  }

  async #getToken(signal: AbortSignal | undefined): Promise<string> {
    throwIfAborted(signal, WAIT);
    this.#throwIfClosed();
    // Also where the timer of a process that was suspended is late.
    this.#passTime();
    if (Date.now() >= this.nextAttemptAtMs) void this.#attemptOnce(this.#grant);
    if (this.#grant === undefined && this.#attempt !== undefined) await this.#waitFor(this.#attempt, signal);
    const grant = this.#usable();
    if (grant === undefined) throw this.#failure ?? expiredAtOnce();
    return grant.token;
  }

  /** Never rejects. */
  #attemptOnce(inUse: G | undefined): Promise<void> {
    this.#attempt ??= this.#try(inUse).finally(() => {
      this.#attempt = undefined;
    });
    return this.#attempt;
  }

  async #try(inUse: G | undefined): Promise<void> {
    clearTimeout(this.#timer);
    try {
      // Raced, as a source that does not heed its signal must not hold up the closing.
      const grant = await this.#unlessClosed(this.steps.obtain(inUse, this.#closing.signal));
      if (Date.now() >= grant.expiresAtMs) throw expiredAtOnce();
      this.#grant = grant;
      this.#hasHadGrant = true;
      this.#cached = Promise.resolve(grant.token);
      this.#freshUntilMs = Math.min(grant.refreshAtMs, grant.expiresAtMs);
      this.#failure = undefined;
      this.#pauseUntilMs = Number.NEGATIVE_INFINITY;
      this.#backOff.reset();
      this.steps.onGrant(grant);
    } catch (cause) {
      if (this.isClosed) return;
      const error = cause instanceof ProjectedTokenError ? cause : sourceFailed(cause);
      this.#failure = error;
      const retryAfter = error instanceof TokenExchangeError ? error.retryAfterMs : undefined;
      this.#pauseUntilMs = Date.now() + this.#backOff.next(retryAfter);
      this.steps.onFailure(error);
    }
    this.#passTime();
    this.#schedule();
  }

  /** Asks for a grant that owes nothing to the one in use, unless it is known to be good. */
  async #replace(): Promise<void> {
    const grant = this.#grant;
    const now = Date.now();
    if (grant === undefined || now < this.#pauseUntilMs || !this.#refusals.allows(now)) return;
    if (await this.steps.isAccepted?.(grant, this.#closing.signal)) return;
    await this.#attemptOnce(undefined);
    if (this.#grant !== grant) this.#refusals.count(grant.obtainedAtMs, Date.now());
  }

  /** One timer: for the next attempt, or for the moment at which the token expires; none once a listener has closed all. */
  #schedule(): void {
    const expiresAtMs = this.#grant?.expiresAtMs ?? Number.POSITIVE_INFINITY;
    const wakeAtMs = Math.min(this.nextAttemptAtMs, expiresAtMs);
    if (wakeAtMs === Number.POSITIVE_INFINITY) return;
    clearTimeout(this.#timer);
    const nowMs = Date.now();
    const delayMs = Math.min(wakeAtMs - nowMs, MAX_TIMER_MS);
    this.#timer = setTimeout(() => this.#wake(nowMs + delayMs), delayMs);
    this.#timer.unref();
  }

  /** @param plannedAtMs - what the clock says now, unless it was set */
  #wake(plannedAtMs: number): void {
    const setBackMs = plannedAtMs - Date.now();
    if (setBackMs > CLOCK_STEP_MS) this.#followClock(setBackMs);
    this.#passTime();
    if (Date.now() >= this.nextAttemptAtMs) void this.#attemptOnce(this.#grant);
    else this.#schedule();
  }

  /** A clock that was set back makes no token last longer, and no pause. */
  #followClock(setBackMs: number): void {
    this.#pauseUntilMs -= setBackMs;
    this.#freshUntilMs -= setBackMs;
    const grant = this.#grant;
    this.#grant = grant && {
      ...grant,
      obtainedAtMs: grant.obtainedAtMs - setBackMs,
      expiresAtMs: grant.expiresAtMs - setBackMs,
      refreshAtMs: grant.refreshAtMs - setBackMs,
    };
  }

  #usable(): G | undefined {
    return this.#grant !== undefined && Date.now() < this.#grant.expiresAtMs ? this.#grant : undefined;
  }

  #passTime(): void {
    if (this.#grant === undefined || this.#usable() !== undefined) return;
    this.#forget();
    this.steps.onExpired();
  }

  #forget(): void {
    this.#grant = undefined;
    this.#cached = undefined;
    this.#freshUntilMs = Number.NEGATIVE_INFINITY;
  }

  #waitFor<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    return abortable(this.#unlessClosed(work), signal, WAIT);
  }

  #unlessClosed<T>(work: Promise<T>): Promise<T> {
    return raceAbort(work, this.#closing.signal, () => new TokenSourceClosedError());
  }

  #throwIfClosed(): void {
    if (this.isClosed) throw new TokenSourceClosedError();
  }
}

/** Whether another attempt may do without anybody changing something. */
function isPassing(error: ProjectedTokenError | undefined): boolean {
  return error?.code !== 'ERR_EXCHANGE_DENIED' && error?.code !== 'ERR_EXCHANGE_INVALID';
}

function noAnswer(readyTimeoutMs: number): TokenExchangeError {
  return new TokenExchangeError(
    'ERR_EXCHANGE_UNAVAILABLE',
    `There was no answer within ${readyTimeoutMs} ms (option "readyTimeoutMs").`,
  );
}

function expiredAtOnce(): TokenExchangeError {
  return new TokenExchangeError('ERR_EXCHANGE_UNAVAILABLE', 'The token that the exchange gave had expired already.');
}

function sourceFailed(cause: unknown): TokenExchangeError {
  return new TokenExchangeError(
    'ERR_EXCHANGE_UNAVAILABLE',
    'There is no service account token to exchange: its source failed, with the cause of this error.',
    { cause },
  );
}
