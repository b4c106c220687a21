import type { ProjectedTokenError } from '../errors.js';
import { ExchangeProvider } from '../exchange/exchange-provider.js';
import type { TokenCarrier } from '../token-source.js';
import { describeLease, type VaultLease, type VaultTokenInfo } from './vault-lease.js';
import { resolveVaultOptions, type VaultTokenProviderOptions } from './vault-options.js';
import { VaultSession } from './vault-session.js';

/** Events of {@link VaultTokenProvider}. None carries token bytes. */
export interface VaultTokenEvents {
  /** A login succeeded: there is a new Vault token. */
  login: (event: { readonly token: VaultTokenInfo }) => void;
  /** The lease of the Vault token was renewed. */
  renewed: (event: { readonly token: VaultTokenInfo }) => void;
  /** The Vault token expired without a new one. */
  expired: () => void;
  /**
   * A login, a renewal or a revocation failed, or a listener threw. The present token stays in use until it expires, and the next
   * attempt follows after a pause. Never thrown, even without a listener.
   */
  error: (error: Error) => void;
  /** The provider was closed. */
  closed: () => void;
}

/** Status of a {@link VaultTokenProvider}: a plain object without secrets. */
export interface VaultTokenStatus {
  /** `opening`: no token yet. `ready`: a token is in use. `expired`: the last token expired without a new one. `closed`: closed. */
  readonly state: 'opening' | 'ready' | 'expired' | 'closed';
  /** The token in use. */
  readonly token: VaultTokenInfo | undefined;
  /** Why the last login or renewal failed; undefined if it succeeded. */
  readonly lastError: { readonly code: ProjectedTokenError['code']; readonly message: string } | undefined;
  /** When the next login or renewal is due; undefined for a token that never expires. */
  readonly nextAttemptAt: Date | undefined;
  readonly counts: { readonly logins: number; readonly renewals: number; readonly failures: number };
}

/** Vault rejects a token with 403, the same status as for a request that the policies do not allow. */
const VAULT_CARRIER: TokenCarrier = Object.freeze({
  header: 'X-Vault-Token',
  refusedStatuses: Object.freeze([403]),
});

/**
 * A source of tokens of HashiCorp Vault and OpenBao: logs in at the kubernetes auth method with the newest service account token,
 * renews the Vault token at about two thirds of its lease, and logs in again if it cannot be renewed: a batch token, one near its
 * maximum TTL, a revoked one.
 *
 * While Vault is down, the present token stays in use until it expires. Vault is retried after random pauses from 1 s to 5 min, at most a
 * quarter of the outage. When a request gets 403, the token is looked up once in Vault. If it is valid, it is not replaced: a policy
 * does not allow the request.
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
export class VaultTokenProvider extends ExchangeProvider<VaultLease, VaultTokenEvents> {
  /** The token goes into the header `X-Vault-Token`; a 403 rejects it. */
  readonly carrier: TokenCarrier = VAULT_CARRIER;

  /**
   * Creates a provider that has not started: add listeners, then call `start`. Most programs use {@link VaultTokenProvider.open}.
   *
   * @throws `ERR_TOKEN_OPTION`, `ERR_TOKEN_ORIGIN`
   */
  constructor(options: VaultTokenProviderOptions) {
    const resolved = resolveVaultOptions(options);
    super(new VaultSession(resolved), resolved);
  }

  /**
   * Resolves with a provider that has logged in. Retries for up to `readyTimeoutMs` after a failure that may pass, such as a sealed
   * Vault.
   *
   * @throws `ERR_EXCHANGE_DENIED` if Vault denies the login (403), `ERR_EXCHANGE_INVALID` if the request is wrong, such as a role that
   * does not exist (400); the message says what to check. `ERR_EXCHANGE_UNAVAILABLE` if Vault cannot be reached; what the source throws;
   * `ERR_TOKEN_OPTION`, `ERR_TOKEN_ORIGIN`, `ERR_TOKEN_ABORTED`
   *
   * @example
   * ```ts
   * await using vaultTokens = await VaultTokenProvider.open({ address, role: 'shop', source, revokeOnClose: true });
   * ```
   */
  static async open(options: VaultTokenProviderOptions): Promise<VaultTokenProvider> {
    return new VaultTokenProvider(options).start();
  }

  /** Status of the provider: a plain object without secrets, for a readiness probe or a log. */
  get status(): VaultTokenStatus {
    const { state, lastError, grant, nextAttemptAtMs, logins, renewals, failures } = this.exchangeStatus();
    return {
      state,
      token: grant && describeLease(grant),
      lastError,
      nextAttemptAt: Number.isFinite(nextAttemptAtMs) ? new Date(nextAttemptAtMs) : undefined,
      counts: { logins, renewals, failures },
    };
  }

  protected override onGrant(lease: VaultLease): void {
    this.emit(lease.isRenewal ? 'renewed' : 'login', { token: describeLease(lease) });
  }
}
