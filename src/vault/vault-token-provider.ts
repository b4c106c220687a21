import type { ProjectedTokenError } from '../errors.js';
import { ExchangeProvider } from '../exchange/exchange-provider.js';
import type { TokenCarrier } from '../token-source.js';
import { describeLease, type VaultLease, type VaultTokenInfo } from './vault-lease.js';
import { resolveVaultOptions, type VaultTokenProviderOptions } from './vault-options.js';
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

/**
 * A source of Vault tokens, for HashiCorp Vault and OpenBao: logs in at the kubernetes auth method with the newest service account
 * token, renews the Vault token at about two thirds of its lease, and logs in again where it cannot be renewed: a batch token, one
 * near its maximum TTL, one that was revoked.
 *
 * While Vault is down, the token at hand stays in use until it expires, and Vault is asked again after random pauses, from
 * 1 s to 5 min and at most a quarter of the outage. When Vault answers a request with 403, it is asked once whether it knows the
 * token: if it does, the token is not replaced, as it is the policy then that does not allow the request.
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
   * Makes a provider that does nothing yet, for those who add listeners before the first login; `start` starts it. Most programs
   * use {@link VaultTokenProvider.open}.
   *
   * @throws `ERR_TOKEN_OPTION`, `ERR_TOKEN_ORIGIN`
   */
  constructor(options: VaultTokenProviderOptions) {
    const resolved = resolveVaultOptions(options);
    super(new VaultSession(resolved), resolved);
  }

  /**
   * Resolves with a provider that has logged in. A failure that another attempt may get over, such as a sealed Vault, is tried again
   * for as long as `readyTimeoutMs`.
   *
   * @throws `ERR_EXCHANGE_DENIED` when Vault denies the login (403), `ERR_EXCHANGE_INVALID` when it cannot make sense of it, such as
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

  /** How the provider is doing: a plain object without secrets, for a readiness probe or a log. */
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
