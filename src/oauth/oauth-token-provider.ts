import type { ProjectedTokenErrorCode } from '../errors.js';
import { ExchangeProvider } from '../exchange/exchange-provider.js';
import { OAuthExchange } from './oauth-exchange.js';
import { describeGrant, type OAuthGrant, type OAuthTokenInfo } from './oauth-grant.js';
import { type OAuthTokenProviderOptions, resolveOAuthOptions } from './oauth-options.js';

/** Events of {@link OAuthTokenProvider}. None carries token bytes. */
export interface OAuthTokenEvents {
  /** There is a new token; the first one included. */
  rotated: (event: { readonly token: OAuthTokenInfo }) => void;
  /** The token expired, and no other has followed. */
  expired: () => void;
  /** An exchange failed, or a listener did. The token at hand stays in use, and the next attempt follows after a pause. Never fatal. */
  error: (error: Error) => void;
  /** The provider was closed. */
  closed: () => void;
}

/** How an {@link OAuthTokenProvider} is doing: a plain object without secrets. */
export interface OAuthTokenStatus {
  /** `opening`: no token yet. `ready`: a token is in use. `expired`: the last one expired and none has followed. `closed`: closed. */
  readonly state: 'opening' | 'ready' | 'expired' | 'closed';
  /** The token in use. */
  readonly token: OAuthTokenInfo | undefined;
  /** Why the last exchange failed; undefined when it did not. */
  readonly lastError: { readonly code: ProjectedTokenErrorCode; readonly message: string } | undefined;
  /** When the next exchange is due; undefined when none is. */
  readonly nextAttemptAt: Date | undefined;
  readonly counts: { readonly exchanges: number; readonly failures: number };
}

/**
 * A source of access tokens of an OAuth 2.0 authorization server, such as Keycloak, Microsoft Entra ID or Okta, in exchange for the
 * service account token: no client secret is stored in the cluster.
 *
 * A token is replaced at about 80 % of its life, or when a service rejects it. While the server is down, the token at hand stays in use
 * until it expires, and exchanges follow after random pauses, from 1 s to 5 min and at most a quarter of the outage. Refresh tokens are
 * not used: the service account token is at hand, and always newer.
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
   * Makes a provider that does nothing yet, for those who add listeners before the first exchange; `start` starts it. Most programs
   * use {@link OAuthTokenProvider.open}.
   *
   * @throws `ERR_TOKEN_OPTION`, `ERR_TOKEN_ORIGIN`
   */
  constructor(options: OAuthTokenProviderOptions) {
    const resolved = resolveOAuthOptions(options);
    super(new OAuthExchange(resolved), resolved);
  }

  /**
   * Resolves with a provider that has a token. A failure that another attempt may get over, such as a server that is down, is tried
   * again for as long as `readyTimeoutMs`.
   *
   * @throws `ERR_EXCHANGE_DENIED` when the server denies the token (`invalid_client`, `invalid_grant`, …), `ERR_EXCHANGE_INVALID` when
   * it does not understand the request or answers with something else than OAuth 2.0: the message says what to check, and `oauthError`
   * is the server's code; `ERR_EXCHANGE_UNAVAILABLE` when it cannot be reached; what the source throws; `ERR_TOKEN_OPTION`,
   * `ERR_TOKEN_ORIGIN`, `ERR_TOKEN_ABORTED`
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

  /** How the provider is doing: a plain object without secrets, for a readiness probe or a log. */
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
