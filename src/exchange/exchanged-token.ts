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
 * What the issuer of a token says of one that some server rejected: `accepted`, it is good; `rejected`, it is not; `unknown`,
 * the issuer does not tell.
 */
export type Verdict = 'accepted' | 'rejected' | 'unknown';

/** How a grant is obtained, and who hears of it. */
export interface ExchangeSteps<G extends Grant> {
  /**
   * Asks for a grant.
   *
   * @param inUse - the grant to follow; undefined when there is none that works
   */
  obtain(inUse: G | undefined, signal: AbortSignal): Promise<G>;
  /** Looks whether a token that a server rejected is good all the same. Default: nobody can tell. */
  verdictOn?(grant: G, signal: AbortSignal): Promise<Verdict>;
  /** Called after the grant has come into use. */
  onGrant(grant: G): void;
  onFailure(error: ProjectedTokenError): void;
  onExpired(): void;
}

const WAIT = 'the wait for a token';

/** A shorter life is over before a request arrives: such a grant counts as a failure, so that a pause follows. */
const SHORTEST_LIFE_MS = 1_000;

/**
 * Keeps the token of an exchange fresh: one exchange for all who ask, the next one ahead of expiry, pauses after failures, and the
 * token at hand for as long as it works, whatever the other side is doing.
 */
export class ExchangedToken<G extends Grant> {
  readonly #inUse = new GrantInUse<G>();
  readonly #closing = new AbortController();
  readonly #attempts: Attempts<G>;
  readonly #refusals = new RefusalLimit();
  #replacing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param attemptTimeoutMs - deadline of one attempt, in milliseconds: whatever `obtain` waits for, the next attempt may begin then */
  constructor(
    private readonly steps: ExchangeSteps<G>,
    private readonly attemptTimeoutMs: number,
  ) {
    this.#attempts = new Attempts(attemptTimeoutMs, this.#closing.signal);
  }

  /** The grant in use; undefined before the first, once it has expired, and when closed. */
  get grant(): G | undefined {
    return this.#inUse.usable;
  }

  /** Why the last attempt failed; undefined when it did not. */
  get failure(): ProjectedTokenError | undefined {
    return this.#attempts.failure;
  }

  /** When the next attempt is due, in milliseconds since the epoch; infinite when none is. */
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
   * Waits for a first grant. A failure that another attempt may get over is tried again; any other is thrown at once.
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

  /** @throws why there is no token; `ERR_TOKEN_CLOSED`, `ERR_TOKEN_ABORTED` */
  getToken(options?: GetTokenOptions): Promise<string> {
    if (Date.now() < this.#inUse.freshUntilMs && !options?.signal?.aborted) return this.#inUse.cached!;
    return this.#getToken(options?.signal);
  }

  /** Returns the token usable now, or undefined. Where its refresh is due, that begins in the background. */
  peekToken(): string | undefined {
    if (Date.now() < this.#inUse.freshUntilMs) return this.#inUse.token;
    this.#attemptIfDue();
    return this.grant?.token;
  }

  /**
   * Call this when a server rejected a token. Resolves with a different one, or with `undefined`. One exchange, however many
   * callers. Tokens that are rejected as soon as they are given lead to pauses: it is not the token then that is wrong.
   */
  async replaceToken(refused: string, options?: GetTokenOptions): Promise<string | undefined> {
    const signal = options?.signal;
    throwIfAborted(signal, WAIT);
    this.#throwIfClosed();
    const { underWay } = this.#attempts;
    // A renewal under way tells more than its predecessor.
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

  /** Ends all waits, and what is under way. Resolves with the grant that was in use. */
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
    // Also where the timer of a process that was suspended is late.
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

  /** Asks for a grant that owes nothing to the one in use, unless that one is known to be good. */
  async #replace(): Promise<void> {
    const { grant } = this;
    if (grant === undefined || this.#attempts.pauseLeftMs > 0) return;
    const verdict = await this.#verdictOn(grant);
    if (verdict === 'accepted' || this.isClosed || !this.#refusals.allow(verdict === 'rejected')) return;
    await this.#attempt(undefined);
  }

  /** Never rejects. Where the issuer does not answer in time, it is more likely down than the token bad. */
  async #verdictOn(grant: G): Promise<Verdict> {
    const look = async (signal: AbortSignal) => (await this.steps.verdictOn?.(grant, signal)) ?? 'unknown';
    const toError = () => new Error('No verdict in time.');
    const deadline = { timeoutMs: this.attemptTimeoutMs, toError, signal: this.#closing.signal };
    return withDeadline(look, deadline).catch(() => 'accepted');
  }

  /** Milliseconds until the next attempt is due; 0 or less when it is, infinite when none will be. */
  #nextAttemptInMs(): number {
    if (this.isClosed) return Number.POSITIVE_INFINITY;
    return Math.max(this.#attempts.pauseLeftMs, this.#inUse.refreshInMs);
  }

  /** One timer: for the next attempt, or for the moment at which the token expires; none once a listener has closed all. */
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

/** Whether another attempt may succeed without anybody changing something. What a source throws mends by itself, or not: it is tried again. */
function isRetryable(error: ProjectedTokenError | undefined): boolean {
  return (error as Partial<TokenExchangeError> | undefined)?.isRetryable ?? true;
}

/** @throws `ERR_EXCHANGE_UNAVAILABLE` */
function assertAlive({ obtainedAtMs, expiresAtMs }: Grant): void {
  const lifeMs = expiresAtMs - obtainedAtMs;
  if (lifeMs < SHORTEST_LIFE_MS) {
    throw new TokenExchangeError(
      'ERR_EXCHANGE_UNAVAILABLE',
      `The exchanged token lives for ${Math.max(0, lifeMs / 1000)} s, which is too short. Check the token lifetimes of the server.`,
    );
  }
  if (Date.now() >= expiresAtMs) throw expiredAtOnce();
}

function notReady(readyTimeoutMs: number): TokenExchangeError {
  return new TokenExchangeError(
    'ERR_EXCHANGE_UNAVAILABLE',
    `There was no answer within ${readyTimeoutMs} ms (option "readyTimeoutMs").`,
  );
}

function expiredAtOnce(): TokenExchangeError {
  return new TokenExchangeError('ERR_EXCHANGE_UNAVAILABLE', 'The exchanged token had already expired.');
}
