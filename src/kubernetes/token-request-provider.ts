import type { ProjectedTokenErrorCode } from '../errors.js';
import { ExchangeProvider } from '../exchange/exchange-provider.js';
import type { Grant } from '../exchange/grant.js';
import { TokenRequester } from './token-request.js';
import { resolveTokenRequestOptions, type TokenRequestProviderOptions } from './token-request-options.js';

/** Describes a requested token, without the token. */
export interface RequestedTokenInfo {
  readonly obtainedAt: Date;
  /** When it is no longer handed out: 10 s before its expiry. */
  readonly expiresAt: Date;
  /** When the next token will be requested. */
  readonly refreshAt: Date;
}

/** Events of {@link TokenRequestProvider}. None carries token bytes. */
export interface TokenRequestEvents {
  /** There is a new token, also the first one. */
  rotated: (event: { readonly token: RequestedTokenInfo }) => void;
  /** The token expired without a new one. */
  expired: () => void;
  /** A request failed, or a listener threw. The present token stays in use until it expires; a retry follows. Never thrown. */
  error: (error: Error) => void;
  /** The provider was closed. */
  closed: () => void;
}

/** Status of a {@link TokenRequestProvider}: a plain object without secrets. */
export interface TokenRequestStatus {
  /** `opening`: no token yet. `ready`: a token is in use. `expired`: the last token expired without a new one. `closed`: closed. */
  readonly state: 'opening' | 'ready' | 'expired' | 'closed';
  /** The token in use. */
  readonly token: RequestedTokenInfo | undefined;
  /** Why the last request failed; undefined if it succeeded. */
  readonly lastError: { readonly code: ProjectedTokenErrorCode; readonly message: string } | undefined;
  readonly counts: { readonly requests: number; readonly failures: number };
}

/**
 * A source of service account tokens from the API server (TokenRequest), as `kubectl create token` and `oc create token` get them: for
 * programs outside a pod, or for an audience that no volume of the pod has.
 *
 * A token is replaced at about 80 % of the life that the API server gave it. While the API server is down, the present token stays in
 * use until it expires, and requests are retried after random pauses from 1 s to 5 min, at most a quarter of the outage.
 *
 * @example
 * ```ts
 * import { withToken } from 'projected-token/fetch';
 * import { TokenRequestProvider } from 'projected-token/kubernetes';
 *
 * const tokens = await TokenRequestProvider.open({ namespace: 'shop', serviceAccount: 'build-robot', audiences: ['vault'] });
 * const tokenFetch = withToken(fetch, tokens, { origins: ['https://vault.internal:8200'] });
 * ```
 */
export class TokenRequestProvider extends ExchangeProvider<Grant, TokenRequestEvents> {
  /**
   * Creates a provider that has not started: add listeners, then call `start`. Most programs use {@link TokenRequestProvider.open}.
   *
   * @throws `ERR_TOKEN_OPTION`
   */
  constructor(options: TokenRequestProviderOptions) {
    const resolved = resolveTokenRequestOptions(options);
    super(new TokenRequester(resolved), resolved);
  }

  /**
   * Resolves with a provider that has a token. Retries for up to `readyTimeoutMs` after a failure that may pass.
   *
   * @throws `ERR_EXCHANGE_DENIED` (401, or 403: the message names the missing verb and resource), `ERR_EXCHANGE_INVALID` (400, 404,
   * 409, 422: validation, or no such service account), `ERR_EXCHANGE_UNAVAILABLE`; `ERR_TOKEN_OPTION`, `ERR_TOKEN_ABORTED`
   *
   * @example
   * ```ts
   * await using tokens = await TokenRequestProvider.open({ namespace: 'shop', serviceAccount: 'build-robot', kubeConfig });
   * ```
   */
  static async open(options: TokenRequestProviderOptions): Promise<TokenRequestProvider> {
    return new TokenRequestProvider(options).start();
  }

  /** Status of the provider: a plain object without secrets, for a readiness probe or a log. */
  get status(): TokenRequestStatus {
    const { state, lastError, grant, attempts, failures } = this.exchangeStatus();
    return {
      state,
      token: grant && describe(grant),
      lastError,
      counts: { requests: attempts, failures },
    };
  }

  protected override onGrant(grant: Grant): void {
    this.emit('rotated', { token: describe(grant) });
  }
}

function describe({ obtainedAtMs, expiresAtMs, refreshAtMs }: Grant): RequestedTokenInfo {
  return { obtainedAt: new Date(obtainedAtMs), expiresAt: new Date(expiresAtMs), refreshAt: new Date(refreshAtMs) };
}
