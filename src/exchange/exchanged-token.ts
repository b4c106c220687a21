import { type ProjectedTokenError, TokenExchangeError, TokenSourceClosedError } from '../errors.js';
import { abortable, raceAbort, throwIfAborted } from '../internal/abort.js';
import { withDeadline } from '../internal/deadline.js';
import { MAX_TIMER_MS } from '../internal/option-checks.js';
import type { GetTokenOptions } from '../token-source.js';
import { Attempts } from './attempts.js';
import { ClockLead } from './clock-lead.js';
import type { Grant } from './grant.js';
import { GrantInUse } from './grant-in-use.js';
import { RefusalLimit } from './refusal-limit.js';

/**
 * The issuer's answer about a token that a server rejected: `accepted` if it is valid, `rejected` if not, `unknown` if the issuer does
 * not say.
 */
export type Verdict = 'accepted' | 'rejected' | 'unknown';

/** How a grant is obtained, and the callback for a new one. */
export interface ExchangeSteps<G extends Grant> {
  /**
   * Asks for a grant.
   *
   * @param inUse - the grant to renew or replace; undefined if no grant works
   */
  obtain(inUse: G | undefined, signal: AbortSignal): Promise<G>;
  /** Asks the issuer about a token that a server rejected. @default the verdict is `unknown` */
  verdictOn?(grant: G, signal: AbortSignal): Promise<Verdict>;
  /** Called after the grant has come into use. */
  onGrant(grant: G): void;
  onFailure(error: ProjectedTokenError): void;
  onExpired(): void;
}

const WAIT = 'the wait for a token';

/** A shorter life ends before a request arrives. Such a grant counts as a failure, so that a pause follows. */
const SHORTEST_LIFE_MS = 1_000;

/**
 * Keeps the token of an exchange fresh: one exchange for all callers, a refresh ahead of expiry, pauses after failures. A token stays in
 * use until it expires, even if the server is down.
 */
export class ExchangedToken<G extends Grant> {
  readonly #inUse = new GrantInUse<G>();
  readonly #closing = new AbortController();
  readonly #attempts: Attempts<G>;
  readonly #refusals = new RefusalLimit();
  #replacing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param attemptTimeoutMs - deadline of one attempt, in milliseconds; the next attempt may start then, even if `obtain` never settles */
  constructor(
    private readonly steps: ExchangeSteps<G>,
    private readonly attemptTimeoutMs: number,
  ) {
    this.#attempts = new Attempts(attemptTimeoutMs, this.#closing.signal);
  }

  /** The grant in use; undefined before the first one, after its expiry, and after `close`. */
  get grant(): G | undefined {
    return this.#inUse.usable;
  }

  /** Why the last attempt failed; undefined when it did not. */
  get failure(): ProjectedTokenError | undefined {
    return this.#attempts.failure;
  }

  /** When the next attempt is due, in milliseconds since the epoch; infinite if none is. */
  get nextAttemptAtMs(): number {
    return Date.now() + this.#nextAttemptInMs();
  }

  get state(): 'opening' | 'ready' | 'expired' | 'closed' {
    if (this.isClosed) return 'closed';
    if (this.grant !== undefined) return 'ready';
    return this.#inUse.hasBeenSet ? 'expired' : 'opening';
  }

  get isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  /**
   * Waits for the first grant. Retries after a failure that may pass; throws any other at once.
   *
   * @param readyTimeoutMs - in milliseconds; 0 for one attempt, however long it takes
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
        // After a pause, the timer may have made the attempt already.
        const isDue = this.grant === undefined && this.#attempts.pauseLeftMs <= 0;
        const isLate = isDue && (await this.#waitFor(Promise.race([elapsed, this.#attempt(undefined)]), signal));
        if (this.grant !== undefined) return;
        if (isLate || readyTimeoutMs === 0 || !isRetryable(this.failure)) break;
        const paused = new Promise<false>((resolve) => {
          // A timer cuts fractions off, and would be early.
          pause = setTimeout(resolve, Math.ceil(this.#attempts.pauseLeftMs), false);
        });
        if (await this.#waitFor(Promise.race([elapsed, paused]), signal)) break;
      }
      throw this.failure ?? notReady(readyTimeoutMs);
    } finally {
      clearTimeout(timer);
      clearTimeout(pause);
    }
  }

  /** @throws the error of the last attempt; `ERR_TOKEN_CLOSED`, `ERR_TOKEN_ABORTED` */
  getToken(options?: GetTokenOptions): Promise<string> {
    if (Date.now() < this.#inUse.freshUntilMs && !options?.signal?.aborted) return this.#inUse.cached!;
    return this.#getToken(options?.signal);
  }

  /** Returns the usable token, or undefined. Starts a refresh in the background if it is due. */
  peekToken(): string | undefined {
    if (Date.now() < this.#inUse.freshUntilMs) return this.#inUse.token;
    this.#attemptIfDue();
    return this.grant?.token;
  }

  /**
   * Call this when a server rejected a token. Resolves with a different token, or with `undefined`. Callers share one exchange. If new
   * tokens are rejected at once, exchanges are limited: the fault is then not in the token.
   */
  async replaceToken(refused: string, options?: GetTokenOptions): Promise<string | undefined> {
    const signal = options?.signal;
    throwIfAborted(signal, WAIT);
    this.#throwIfClosed();
    const { underWay } = this.#attempts;
    // The attempt under way may bring a different token.
    if (this.grant?.token === refused && underWay !== undefined) await this.#waitFor(underWay, signal);
    if (this.grant?.token === refused) {
      this.#replacing ??= this.#replace().finally(() => {
        this.#replacing = undefined;
      });
      await this.#waitFor(this.#replacing, signal);
    }
    const token = await this.#getToken(signal);
    return token === refused ? undefined : token;
  }

  /** Ends all waits and the attempt under way. Resolves with the grant that was in use. */
  async close(): Promise<G | undefined> {
    const last = this.grant;
    this.#closing.abort();
    clearTimeout(this.#timer);
    this.#inUse.forget();
    await Promise.all([this.#attempts.underWay, this.#replacing]);
    return last;
  }

  async #getToken(signal: AbortSignal | undefined): Promise<string> {
    throwIfAborted(signal, WAIT);
    this.#throwIfClosed();
    // After a suspension of the process the timer is late.
    this.#passTime();
    this.#attemptIfDue();
    const { underWay } = this.#attempts;
    if (this.grant === undefined && underWay !== undefined) await this.#waitFor(underWay, signal);
    if (this.grant === undefined) throw this.failure ?? expiredAtOnce();
    return this.grant.token;
  }

  #attemptIfDue(): void {
    if (!this.isClosed && this.#nextAttemptInMs() <= 0) void this.#attempt(this.grant);
  }

  /** Never rejects. */
  #attempt(inUse: G | undefined): Promise<void> {
    const attempt = this.#attempts.run({
      obtain: async (signal) => {
        const clockLead = new ClockLead();
        const grant = clockLead.correct(await this.steps.obtain(inUse, signal));
        assertAlive(grant);
        return grant;
      },
      onSuccess: (grant) => {
        this.#inUse.set(grant);
        this.steps.onGrant(grant);
      },
      onFailure: (error) => this.steps.onFailure(error),
    });
    void attempt.then(() => {
      this.#passTime();
      this.#schedule();
    });
    // The grant in use may expire while the attempt is under way.
    this.#schedule();
    return attempt;
  }

  /** Obtains a new grant, not a renewal, unless the issuer says that the one in use is valid. */
  async #replace(): Promise<void> {
    const { grant } = this;
    if (grant === undefined || this.#attempts.pauseLeftMs > 0) return;
    const verdict = await this.#verdictOn(grant);
    if (verdict === 'accepted' || this.isClosed || !this.#refusals.allow(verdict === 'rejected')) return;
    await this.#attempt(undefined);
  }

  /** Never rejects. If the issuer does not answer in time, it is more likely down than the token invalid. */
  async #verdictOn(grant: G): Promise<Verdict> {
    const look = async (signal: AbortSignal) => (await this.steps.verdictOn?.(grant, signal)) ?? 'unknown';
    const toError = () => new Error('No verdict in time.');
    const deadline = { timeoutMs: this.attemptTimeoutMs, toError, signal: this.#closing.signal };
    return withDeadline(look, deadline).catch(() => 'accepted');
  }

  /** Milliseconds until the next attempt; 0 or less if it is due, infinite if there will be none. */
  #nextAttemptInMs(): number {
    if (this.isClosed) return Number.POSITIVE_INFINITY;
    return Math.max(this.#attempts.pauseLeftMs, this.#inUse.refreshInMs);
  }

  /** Sets the one timer to the next attempt or the expiry, whichever is first; none after `close`, which a listener may call. */
  #schedule(): void {
    const attemptInMs = this.#attempts.underWay === undefined ? this.#nextAttemptInMs() : Number.POSITIVE_INFINITY;
    const wakeInMs = Math.min(attemptInMs, this.#inUse.expiresInMs);
    clearTimeout(this.#timer);
    if (this.isClosed || wakeInMs === Number.POSITIVE_INFINITY) return;
    // A timer cuts fractions off, and would be early.
    this.#timer = setTimeout(() => this.#wake(), Math.min(Math.ceil(wakeInMs), MAX_TIMER_MS));
    this.#timer.unref();
  }

  #wake(): void {
    this.#passTime();
    this.#attemptIfDue();
    this.#schedule();
  }

  #passTime(): void {
    if (this.#inUse.expire()) this.steps.onExpired();
  }

  #waitFor<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    const unlessClosed = raceAbort(work, this.#closing.signal, () => new TokenSourceClosedError());
    return abortable(unlessClosed, signal, WAIT);
  }

  #throwIfClosed(): void {
    if (this.isClosed) throw new TokenSourceClosedError();
  }
}

/** Returns whether a retry may succeed without a change of configuration; an error of the source may pass, so it may. */
function isRetryable(error: ProjectedTokenError | undefined): boolean {
  return (error as Partial<TokenExchangeError> | undefined)?.isRetryable ?? true;
}

/** @throws `ERR_EXCHANGE_UNAVAILABLE` */
function assertAlive({ obtainedAtMs, expiresAtMs }: Grant): void {
  const lifeMs = expiresAtMs - obtainedAtMs;
  if (lifeMs < SHORTEST_LIFE_MS) {
    throw new TokenExchangeError(
      'ERR_EXCHANGE_UNAVAILABLE',
      `The server issued a token with a lifetime of ${Math.max(0, lifeMs / 1000)} s, which is too short. Raise the token lifetime at the server.`,
    );
  }
  if (Date.now() >= expiresAtMs) throw expiredAtOnce();
}

function notReady(readyTimeoutMs: number): TokenExchangeError {
  return new TokenExchangeError(
    'ERR_EXCHANGE_UNAVAILABLE',
    `The server did not answer within ${readyTimeoutMs} ms (option "readyTimeoutMs"). Check that it is up, and the network policy.`,
  );
}

function expiredAtOnce(): TokenExchangeError {
  return new TokenExchangeError(
    'ERR_EXCHANGE_UNAVAILABLE',
    'The token from the exchange had already expired on arrival. Compare the clocks, and check the token lifetime at the server.',
  );
}
