import type { ProjectedTokenError } from '../errors.js';
import { ExchangedToken } from '../exchange/exchanged-token.js';
import { onceAborted } from '../internal/abort.js';
import { GuardedEmitter } from '../internal/guarded-emitter.js';
import type { GetTokenOptions, TokenCarrier, TokenSource } from '../token-source.js';
import { describeLease, type VaultLease, type VaultTokenInfo } from './vault-lease.js';
import { type ResolvedVaultOptions, resolveVaultOptions, type VaultTokenProviderOptions } from './vault-options.js';
import { VaultSession } from './vault-session.js';

/** Events of {@link VaultTokenProvider}. None carries token bytes. */
export interface VaultTokenEvents {
  /** There is a new Vault token. */
  login: (event: { readonly token: VaultTokenInfo }) => void;
  /** The Vault token lives longer now. */
  renewed: (event: { readonly token: VaultTokenInfo }) => void;
  /** The Vault token expired, and no other has followed. */
  expired: () => void;
  /**
   * A login, a renewal or a revocation failed, or a listener did. The token at hand stays in use, and the next attempt follows after
   * a pause. Never fatal when nobody listens.
   */
  error: (error: Error) => void;
  /** The provider was closed. */
  closed: () => void;
}

/** How a {@link VaultTokenProvider} is doing: a plain object without secrets. */
export interface VaultTokenStatus {
  /** `opening`: no token yet. `ready`: a token is in use. `expired`: the last one expired and none has followed. `closed`: closed. */
  readonly state: 'opening' | 'ready' | 'expired' | 'closed';
  /** The token in use. */
  readonly token: VaultTokenInfo | undefined;
  /** Why the last login or renewal failed; undefined when it did not. */
  readonly lastError: { readonly code: ProjectedTokenError['code']; readonly message: string } | undefined;
  /** When Vault will be asked next; undefined for a token that never expires. */
  readonly nextAttemptAt: Date | undefined;
  readonly counts: { readonly logins: number; readonly renewals: number; readonly failures: number };
}

/** Where Vault reads its token, and how it refuses one: 403, as it does when a policy does not allow the request. */
const VAULT_CARRIER: TokenCarrier = Object.freeze({
  header: 'X-Vault-Token',
  refusedStatuses: Object.freeze([403]),
});

/** Vault is given that long to revoke the token when the provider is closed. */
const REVOCATION_TIMEOUT_MS = 5_000;

/**
 * A source of Vault tokens, for HashiCorp Vault and OpenBao: logs in at the kubernetes auth method with the newest service account
 * token, renews the Vault token at about two thirds of its lease, and logs in again where it cannot be renewed: a batch token, one
 * near its maximum TTL, one that was revoked.
 *
 * While Vault is away, the token at hand stays in use until it expires, and Vault is asked again after pauses with full jitter, from
 * 1 s to 5 min. A request that Vault answers with 403 is looked into once: a token that Vault still knows is not replaced, as it is
 * the policy then that does not allow the request.
 *
 * @example
 * ```ts
 * import axios from 'axios';
 * import { ProjectedTokenProvider } from 'projected-token';
 * import { withToken } from 'projected-token/axios';
 * import { VaultTokenProvider } from 'projected-token/vault';
 *
 * const source = await ProjectedTokenProvider.open({ path: '/var/run/secrets/tokens/vault-token', audience: 'vault' });
 * const address = 'https://vault.internal:8200';
 * const vaultTokens = await VaultTokenProvider.open({ address, role: 'shop', source });
 * const vault = withToken(axios.create({ baseURL: address }), vaultTokens);
 * const { data } = await vault.get('/v1/secret/data/shop');
 * ```
 */
export class VaultTokenProvider extends GuardedEmitter<VaultTokenEvents> implements TokenSource {
  /** The token goes into the header `X-Vault-Token`; a 403 refuses it. */
  readonly carrier: TokenCarrier = VAULT_CARRIER;
  readonly #options: ResolvedVaultOptions;
  readonly #session: VaultSession;
  readonly #exchange: ExchangedToken<VaultLease>;
  readonly #counts = { logins: 0, renewals: 0, failures: 0 };
  #forgetSignal: (() => void) | undefined;
  #starting: Promise<this> | undefined;
  #ending: Promise<void> | undefined;

  /**
   * Makes a provider that does nothing yet, for those who add listeners before the first login; {@link start} starts it. Most
   * programs use {@link VaultTokenProvider.open}.
   *
   * @throws `ERR_TOKEN_OPTION`, `ERR_TOKEN_ORIGIN`
   */
  constructor(options: VaultTokenProviderOptions) {
    super();
    this.#options = resolveVaultOptions(options);
    this.#session = new VaultSession(this.#options);
    this.#exchange = new ExchangedToken<VaultLease>({
      obtain: (inUse, signal) => this.#obtain(inUse, signal),
      isAccepted: (lease, signal) => this.#session.knows(lease, signal),
      onGrant: (lease) => this.#onLease(lease),
      onFailure: (error) => {
        this.#counts.failures++;
        this.emit('error', error);
      },
      onExpired: () => this.emit('expired'),
    });
  }

  /**
   * Resolves with a provider that has logged in. What another attempt may mend, such as a sealed Vault, is tried again for as long as
   * `readyTimeoutMs`.
   *
   * @throws `ERR_EXCHANGE_DENIED` when Vault refuses the login (403), `ERR_EXCHANGE_INVALID` when it cannot make sense of it, such as
   * of a role that does not exist (400): the message says what to check; `ERR_EXCHANGE_UNAVAILABLE` when it cannot be reached; what
   * the source throws; `ERR_TOKEN_OPTION`, `ERR_TOKEN_ORIGIN`, `ERR_TOKEN_ABORTED`
   *
   * @example
   * ```ts
   * await using vaultTokens = await VaultTokenProvider.open({ address, role: 'shop', source, revokeOnClose: true });
   * ```
   */
  static async open(options: VaultTokenProviderOptions): Promise<VaultTokenProvider> {
    return new VaultTokenProvider(options).start();
  }

  /** Logs in; resolves and rejects as {@link VaultTokenProvider.open} does. A second call gives the same promise. */
  start(): Promise<this> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  /** How the provider is doing: a plain object without secrets, for a readiness probe or a log. */
  get status(): VaultTokenStatus {
    const { grant, failure, nextAttemptAtMs, state } = this.#exchange;
    return {
      state,
      token: grant && describeLease(grant),
      lastError: failure && { code: failure.code, message: failure.message },
      nextAttemptAt: Number.isFinite(nextAttemptAtMs) ? new Date(nextAttemptAtMs) : undefined,
      counts: { ...this.#counts },
    };
  }

  /**
   * Resolves with a Vault token that has not expired now, without a request while the one at hand is good.
   *
   * @throws why there is none: `ERR_EXCHANGE_DENIED`, `ERR_EXCHANGE_INVALID`, `ERR_EXCHANGE_UNAVAILABLE`, or what the source threw. In
   * the pause after a failure it does so at once. `ERR_TOKEN_CLOSED`, `ERR_TOKEN_ABORTED`
   */
  getToken(options?: GetTokenOptions): Promise<string> {
    return this.#exchange.getToken(options);
  }

  /**
   * Is told that Vault answered 403 to a token; resolves with a new one, or with `undefined` when Vault still knows this one, and so
   * it was not the token. One look and one login, however many callers.
   *
   * @throws as {@link getToken}
   */
  replaceToken(refused: string, options?: GetTokenOptions): Promise<string | undefined> {
    return this.#exchange.replaceToken(refused, options);
  }

  /** Stops, and revokes the token where `revokeOnClose` says so; calls under way reject with `ERR_TOKEN_CLOSED`. Can be called twice. */
  close(): Promise<void> {
    this.#ending ??= this.#close();
    return this.#ending;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #start(): Promise<this> {
    const { readyTimeoutMs, signal } = this.#options;
    try {
      await this.#exchange.open(readyTimeoutMs, signal);
    } catch (error) {
      await this.close();
      throw error;
    }
    if (signal !== undefined) this.#forgetSignal = onceAborted(signal, () => void this.close());
    return this;
  }

  async #obtain(inUse: VaultLease | undefined, signal: AbortSignal): Promise<VaultLease> {
    const renewed = inUse?.isRenewable ? await this.#session.renew(inUse, signal) : undefined;
    return renewed ?? this.#session.logIn(signal);
  }

  #onLease(lease: VaultLease): void {
    if (lease.renewals === 0) this.#counts.logins++;
    else this.#counts.renewals++;
    this.emit(lease.renewals === 0 ? 'login' : 'renewed', { token: describeLease(lease) });
  }

  async #close(): Promise<void> {
    this.#forgetSignal?.();
    const lease = await this.#exchange.close();
    if (this.#options.revokeOnClose && lease?.isRevocable) {
      await this.#session.revoke(lease, AbortSignal.timeout(REVOCATION_TIMEOUT_MS)).catch((error: Error) => {
        this.emit('error', error);
      });
    }
    this.#session.close();
    this.emit('closed');
    this.removeAllListeners();
  }
}
