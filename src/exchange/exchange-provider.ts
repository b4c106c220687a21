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
  /** Identifies the exchange in metrics and traces. */
  readonly identity: ExchangeIdentity;
  /**
   * Asks for a grant.
   *
   * @param inUse - the grant to renew or replace; undefined if no grant works
   */
  obtain(inUse: G | undefined, signal: AbortSignal): Promise<G>;
  /** Asks the issuer about a token that a server rejected. */
  verdictOn?(grant: G, signal: AbortSignal): Promise<Verdict>;
  /** Closes connections, and revokes the grant in use if an option says so. */
  end?(grant: G | undefined): Promise<void>;
}

/** Events of every exchange. */
export interface ExchangeEvents {
  expired: () => void;
  error: (error: Error) => void;
  closed: () => void;
}

/** State of an exchange. Holds the token, so it is not for display. */
export interface ExchangeStatus<G extends Grant> {
  readonly state: 'opening' | 'ready' | 'expired' | 'closed';
  readonly lastError: { readonly code: ProjectedTokenErrorCode; readonly message: string } | undefined;
  readonly grant: G | undefined;
  /** When the next attempt is due, in milliseconds since the epoch; infinite if none is. */
  readonly nextAttemptAtMs: number;
  readonly attempts: number;
  readonly failures: number;
  readonly logins: number;
  readonly renewals: number;
}

/** Codes that every exchange can fail with. Counters start at 0, so that the first failure shows as an increase. */
const EXCHANGE_CODES = ['ERR_EXCHANGE_DENIED', 'ERR_EXCHANGE_INVALID', 'ERR_EXCHANGE_UNAVAILABLE'] as const;

/**
 * Steps of one attempt: the source's token or a renewal, a login, and another login with a replaced token. Each has its own deadline
 * `timeoutMs`; the attempt has the sum.
 */
const REQUESTS_AN_ATTEMPT = 3;

/**
 * Base of every provider that gets its token by an exchange: opening, waiting, events, closing. A subclass adds the exchange itself and
 * the names of its events.
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

  /** Emits the event for a new grant. */
  protected abstract onGrant(grant: G): void;

  /** Figures for metrics: a plain object without secrets. */
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

  /** Starts the exchange; resolves and rejects as `open` does. A second call returns the same promise. */
  start(): Promise<this> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  /**
   * Resolves with a token that has not expired; makes a request only if there is none. In the pause after a failure it rejects at
   * once.
   *
   * @throws the error of the last attempt, as `open` does; `ERR_TOKEN_CLOSED`, `ERR_TOKEN_ABORTED`
   */
  getToken(options?: GetTokenOptions): Promise<string> {
    return this.#token.getToken(options);
  }

  /** Returns the usable token, or `undefined`, without waiting. */
  peekToken(): string | undefined {
    return this.#token.peekToken();
  }

  /**
   * Call this when a server rejected a token. Resolves with a different token, or with `undefined` if there is none or the issuer says
   * that the rejected one is valid. Callers share one exchange; if new tokens are rejected too, there are at most 12 an hour.
   *
   * @throws as {@link getToken}
   */
  replaceToken(refused: string, options?: GetTokenOptions): Promise<string | undefined> {
    return this.#token.replaceToken(refused, options);
  }

  /** Closes the provider; pending calls reject with `ERR_TOKEN_CLOSED`. Can be called twice. */
  close(): Promise<void> {
    this.#ending ??= this.#close();
    return this.#ending;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Returns the state of the exchange. Not a getter: `util.inspect` may call getters, and the grant holds the token. */
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

  /** Emits an event that all exchanges have; the type of `emit` has only those of the subclass. */
  #tell<Name extends keyof ExchangeEvents>(event: Name, ...payload: Parameters<ExchangeEvents[Name]>): void {
    (this.emit as (event: Name, ...payload: Parameters<ExchangeEvents[Name]>) => boolean).call(this, event, ...payload);
  }
}

function dateOf(ms: number): Date | undefined {
  return Number.isFinite(ms) ? new Date(ms) : undefined;
}
