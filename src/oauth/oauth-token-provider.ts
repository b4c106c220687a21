import type { ProjectedTokenErrorCode } from '../errors.js';
import { ExchangeProvider } from '../exchange/exchange-provider.js';
import { OAuthExchange } from './oauth-exchange.js';
import { describeGrant, type OAuthGrant, type OAuthTokenInfo } from './oauth-grant.js';
import { type OAuthTokenProviderOptions, resolveOAuthOptions } from './oauth-options.js';

/** Events of {@link OAuthTokenProvider}. None carries token bytes. */
export interface OAuthTokenEvents {
  /** There is a new token, also the first one. */
  rotated: (event: { readonly token: OAuthTokenInfo }) => void;
  /** The token expired without a new one. */
  expired: () => void;
  /** An exchange failed, or a listener threw. The present token stays in use until it expires; a retry follows. Never thrown. */
  error: (error: Error) => void;
  /** The provider was closed. */
  closed: () => void;
}

/** Status of an {@link OAuthTokenProvider}: a plain object without secrets. */
export interface OAuthTokenStatus {
  /** `opening`: no token yet. `ready`: a token is in use. `expired`: the last token expired without a new one. `closed`: closed. */
  readonly state: 'opening' | 'ready' | 'expired' | 'closed';
  /** The token in use. */
  readonly token: OAuthTokenInfo | undefined;
  /** Why the last exchange failed; undefined if it succeeded. */
  readonly lastError: { readonly code: ProjectedTokenErrorCode; readonly message: string } | undefined;
  /** When the next exchange is due; undefined if none is. */
  readonly nextAttemptAt: Date | undefined;
  readonly counts: { readonly exchanges: number; readonly failures: number };
}

/**
 * A source of access tokens of an OAuth 2.0 authorization server, such as Keycloak, Microsoft Entra ID or Okta, in exchange for the
 * service account token: no client secret is stored in the cluster.
 *
 * A token is replaced at about 80 % of its life, or when a service rejects it. While the server is down, the present token stays in use
 * until it expires, and exchanges are retried after random pauses from 1 s to 5 min, at most a quarter of the outage. Refresh tokens are
 * not used, as the service account token does the same.
 *
 * @example
 * ```ts
 * import { ProjectedTokenProvider } from 'projected-token';
 * import { withToken } from 'projected-token/fetch';
 * import { OAuthTokenProvider } from 'projected-token/oauth';
 *
 * const issuer = 'https://keycloak.internal/realms/shop';
 * const source = await ProjectedTokenProvider.open({ audience: issuer });
 * const accessTokens = await OAuthTokenProvider.open({ issuer, source, grant: 'client-credentials' });
 * const orders = withToken(fetch, accessTokens, { origins: ['https://orders.internal'] });
 * ```
 */
export class OAuthTokenProvider extends ExchangeProvider<OAuthGrant, OAuthTokenEvents> {
  /**
   * Creates a provider that has not started: add listeners, then call `start`. Most programs use {@link OAuthTokenProvider.open}.
   *
   * @throws `ERR_TOKEN_OPTION`, `ERR_TOKEN_ORIGIN`
   */
  constructor(options: OAuthTokenProviderOptions) {
    const resolved = resolveOAuthOptions(options);
    super(new OAuthExchange(resolved), resolved);
  }

  /**
   * Resolves with a provider that has a token. Retries for up to `readyTimeoutMs` after a failure that may pass, such as a server that is
   * down.
   *
   * @throws `ERR_EXCHANGE_DENIED` if the server denies the token (`invalid_client`, `invalid_grant`, …), `ERR_EXCHANGE_INVALID` if it
   * rejects the request as wrong or its answer is not OAuth 2.0; the message says what to check, and `oauthError` is the server's code.
   * `ERR_EXCHANGE_UNAVAILABLE` if it cannot be reached; what the source throws; `ERR_TOKEN_OPTION`, `ERR_TOKEN_ORIGIN`,
   * `ERR_TOKEN_ABORTED`
   *
   * @example
   * ```ts
   * await using accessTokens = await OAuthTokenProvider.open({
   *   tokenEndpoint: 'https://sts.internal/token',
   *   source,
   *   grant: 'token-exchange',
   *   resource: 'https://orders.internal/',
   *   scope: ['orders.read', 'orders.write'],
   * });
   * ```
   */
  static async open(options: OAuthTokenProviderOptions): Promise<OAuthTokenProvider> {
    return new OAuthTokenProvider(options).start();
  }

  /** Status of the provider: a plain object without secrets, for a readiness probe or a log. */
  get status(): OAuthTokenStatus {
    const { state, lastError, grant, nextAttemptAtMs, attempts, failures } = this.exchangeStatus();
    return {
      state,
      token: grant && describeGrant(grant),
      lastError,
      nextAttemptAt: Number.isFinite(nextAttemptAtMs) ? new Date(nextAttemptAtMs) : undefined,
      counts: { exchanges: attempts, failures },
    };
  }

  protected override onGrant(grant: OAuthGrant): void {
    this.emit('rotated', { token: describeGrant(grant) });
  }
}
