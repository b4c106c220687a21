import type { ProjectedTokenErrorCode } from '../errors.js';
import { onceAborted } from '../internal/abort.js';
import { GuardedEmitter } from '../internal/guarded-emitter.js';
import type { GetTokenOptions, TokenSource } from '../token-source.js';
import { publishExchange } from './exchange-diagnostics.js';
import type { ExchangeFigures, ExchangeIdentity } from './exchange-figures.js';
import type { ExchangeLimits } from './exchange-options.js';
import { ExchangedToken, type Verdict } from './exchanged-token.js';
import type { Grant } from './grant.js';

/** One way to exchange a service account token for another credential. */
export interface Exchange<G extends Grant> {
  /** Which exchange it is, for metrics and tracers. */
  readonly identity: ExchangeIdentity;
  /**
   * Asks for a grant.
   *
   * @param inUse - the grant to follow; undefined when there is none that works
   */
  obtain(inUse: G | undefined, signal: AbortSignal): Promise<G>;
  /** Looks whether a token that some server rejected is good all the same. */
  verdictOn?(grant: G, signal: AbortSignal): Promise<Verdict>;
  /** Ends what the exchange holds open, and the grant that was in use, where that is wanted. */
  end?(grant: G | undefined): Promise<void>;
}

/** Events of every exchange. */
export interface ExchangeEvents {
  expired: () => void;
  error: (error: Error) => void;
  closed: () => void;
}

/** How an exchange is doing. Holds the token: it is for the provider to say what may be shown. */
export interface ExchangeStatus<G extends Grant> {
  readonly state: 'opening' | 'ready' | 'expired' | 'closed';
  readonly lastError: { readonly code: ProjectedTokenErrorCode; readonly message: string } | undefined;
  readonly grant: G | undefined;
  /** When the next attempt is due, in milliseconds since the epoch; infinite when none is. */
  readonly nextAttemptAtMs: number;
  readonly attempts: number;
  readonly failures: number;
  readonly logins: number;
  readonly renewals: number;
}

/** Codes that every exchange can fail with: counted from 0 on, so that a first failure is seen as an increase. */
const EXCHANGE_CODES = ['ERR_EXCHANGE_DENIED', 'ERR_EXCHANGE_INVALID', 'ERR_EXCHANGE_UNAVAILABLE'] as const;

/**
 * The requests of one attempt: the source's token or a renewal, a login, and another login with a replaced token. Each has a
 * deadline of its own; this is the deadline of them all.
 */
const REQUESTS_AN_ATTEMPT = 3;

/**
 * Base of every provider whose token comes from an exchange: opening, waiting, events, closing. A subclass says how the exchange is
 * made, and what its grants and events are called.
 */
export abstract class ExchangeProvider<G extends Grant, Events extends ExchangeEvents>
  extends GuardedEmitter<Events>
  implements TokenSource
{
  readonly #exchange: Exchange<G>;
  readonly #limits: ExchangeLimits;
  readonly #token: ExchangedToken<G>;
  readonly #failures = new Map<ProjectedTokenErrorCode, number>(EXCHANGE_CODES.map((code) => [code, 0]));
  #attempts = 0;
  #logins = 0;
  #renewals = 0;
  #forgetSignal: (() => void) | undefined;
  #starting: Promise<this> | undefined;
  #ending: Promise<void> | undefined;

  protected constructor(exchange: Exchange<G>, limits: ExchangeLimits) {
    super();
    this.#exchange = exchange;
    this.#limits = limits;
    this.#token = new ExchangedToken<G>(
      {
        obtain: (inUse, signal) => {
          this.#attempts++;
          return exchange.obtain(inUse, signal);
        },
        verdictOn: async (grant, signal) => exchange.verdictOn?.(grant, signal) ?? 'unknown',
        onGrant: (grant) => {
          const { isRenewal = false } = grant;
          if (isRenewal) this.#renewals++;
          else this.#logins++;
          this.onGrant(grant);
          publishExchange('granted', { exchange: exchange.identity, isRenewal, expiresAt: dateOf(grant.expiresAtMs) });
        },
        onFailure: (error) => {
          this.#failures.set(error.code, (this.#failures.get(error.code) ?? 0) + 1);
          this.#tell('error', error);
          publishExchange('failed', { exchange: exchange.identity, error });
        },
        onExpired: () => {
          this.#tell('expired');
          publishExchange('expired', { exchange: exchange.identity });
        },
      },
      limits.timeoutMs * REQUESTS_AN_ATTEMPT,
    );
  }

  /** Emits a grant that has come into use. */
  protected abstract onGrant(grant: G): void;

  /** What metrics show of it: a plain object without secrets. */
  get figures(): ExchangeFigures {
    const { state, grant, nextAttemptAtMs, failure } = this.#token;
    return {
      exchange: this.#exchange.identity,
      state,
      obtainedAt: grant && dateOf(grant.obtainedAtMs),
      expiresAt: grant && dateOf(grant.expiresAtMs),
      nextAttemptAt: dateOf(nextAttemptAtMs),
      isBackingOff: failure !== undefined && state !== 'closed',
      counts: { logins: this.#logins, renewals: this.#renewals, failures: Object.fromEntries(this.#failures) },
    };
  }

  /** Starts the exchange; resolves and rejects as `open` does. A second call gives the same promise. */
  start(): Promise<this> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  /**
   * Resolves with a token that has not expired now, without a request while the one at hand is good. In the pause after a failure
   * it rejects at once.
   *
   * @throws why there is no token, as `open` does; `ERR_TOKEN_CLOSED`, `ERR_TOKEN_ABORTED`
   */
  getToken(options?: GetTokenOptions): Promise<string> {
    return this.#token.getToken(options);
  }

  /** Returns the token that is usable now, or `undefined`, without waiting. */
  peekToken(): string | undefined {
    return this.#token.peekToken();
  }

  /**
   * Call this when a server rejected a token. Resolves with a different one, or with `undefined` when there is none or the token is
   * known to be good. One exchange, however many callers; at most 12 an hour where the new tokens are rejected as well.
   *
   * @throws as {@link getToken}
   */
  replaceToken(refused: string, options?: GetTokenOptions): Promise<string | undefined> {
    return this.#token.replaceToken(refused, options);
  }

  /** Stops; calls under way reject with `ERR_TOKEN_CLOSED`. Can be called twice. */
  close(): Promise<void> {
    this.#ending ??= this.#close();
    return this.#ending;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** How the exchange is doing. A method, as inspecting a provider may call its getters, and the grant holds the token. */
  protected exchangeStatus(): ExchangeStatus<G> {
    const { state, failure, grant, nextAttemptAtMs } = this.#token;
    return {
      state,
      lastError: failure && { code: failure.code, message: failure.message },
      grant,
      nextAttemptAtMs,
      attempts: this.#attempts,
      failures: [...this.#failures.values()].reduce((sum, count) => sum + count, 0),
      logins: this.#logins,
      renewals: this.#renewals,
    };
  }

  async #start(): Promise<this> {
    const { readyTimeoutMs, signal } = this.#limits;
    try {
      await this.#token.open(readyTimeoutMs, signal);
    } catch (error) {
      await this.close();
      throw error;
    }
    if (signal !== undefined) this.#forgetSignal = onceAborted(signal, () => void this.close());
    return this;
  }

  async #close(): Promise<void> {
    this.#forgetSignal?.();
    const last = await this.#token.close();
    await this.#exchange.end?.(last).catch((error: Error) => this.#tell('error', error));
    this.#tell('closed');
    publishExchange('closed', { exchange: this.#exchange.identity });
    this.removeAllListeners();
  }

  /** Emits an event that all exchanges have: the type of `emit` knows those of the subclass only. */
  #tell<Name extends keyof ExchangeEvents>(event: Name, ...payload: Parameters<ExchangeEvents[Name]>): void {
    (this.emit as (event: Name, ...payload: Parameters<ExchangeEvents[Name]>) => boolean).call(this, event, ...payload);
  }
}

function dateOf(ms: number): Date | undefined {
  return Number.isFinite(ms) ? new Date(ms) : undefined;
}
