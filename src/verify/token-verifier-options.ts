import type { ConnectionOptions } from '../internal/connection-options.js';
import type { TokenSource } from '../token-source.js';

/** Options for one issuer, which is usually a cluster. */
export interface TokenIssuerOptions extends ConnectionOptions {
  /**
   * Exact value of the claim `iss`: `--service-account-issuer` of the API server. With the method `key-set` and without `apiServer`, the
   * keys are found there through OpenID Connect Discovery.
   *
   * Give a list while a cluster moves from one value to another. With `apiServer`, the keys of that API server count for all values, and
   * its discovery document must name one of them. Without it, each value is an issuer with its own keys.
   */
  readonly issuer: string | readonly string[];
  /**
   * How a token is proved genuine.
   *
   * `key-set`: by its signature, with the published keys of the issuer. No request per token; tokens of a deleted pod stay accepted until
   * they expire.
   *
   * `token-review`: by the API server, which knows of deleted pods. One request per token in 10 s, 16 at once. If the API server shows its
   * keys, the signature is checked first, so that forged tokens cost no request.
   *
   * @default 'key-set'
   */
  readonly method?: 'key-set' | 'token-review';
  /**
   * Method while the API server is unreachable, too slow, or answers 429 or 5xx. With `key-set` the signature alone counts, so tokens of
   * a deleted pod are accepted during the outage. The API server is retried every 5 s.
   *
   * @default none; such tokens fail with `ERR_VERIFY_UNAVAILABLE`
   */
  readonly fallbackMethod?: 'key-set';
  /**
   * The API server, such as `https://kubernetes.default.svc`, for reviews. With the method `key-set`, the keys are fetched from it instead
   * of the issuer, also if its discovery document names another address, often one outside the cluster.
   *
   * @default none; `token-review` needs it
   */
  readonly apiServer?: string | URL;
  /**
   * This service's own token for the API server (or the issuer, without `apiServer`); no other origin gets it. By default, RBAC shows the
   * keys to service accounts only; reviews need the cluster role `system:auth-delegator`.
   *
   * @default none; requests are anonymous
   */
  readonly bearer?: TokenSource | (() => string | Promise<string>);
  /** Namespaces of this issuer whose service accounts are allowed. @default all */
  readonly namespaces?: readonly string[];
  /**
   * Service accounts of this issuer that are allowed, each `namespace/name`. If `namespaces` is set too, both must match.
   *
   * @default all
   */
  readonly serviceAccounts?: readonly string[];
}

/** Requirements for every token of any issuer. */
export interface TokenVerifierRules {
  /** Audiences of this service. A token must have at least one of them. */
  readonly audience: string | readonly string[];
  /** Accepted signature algorithms; asymmetric ones only. @default ['RS256', 'ES256', 'ES384', 'ES512'], those of an API server */
  readonly algorithms?: readonly string[];
  /** Allowed clock difference in seconds, for `exp`, `nbf` and `iat`; 0 to 300. @default 60, as of the API server */
  readonly clockToleranceSeconds?: number;
  /** Time limit of a request to an issuer or API server, in milliseconds; 1 to 2147483647. @default 5000 */
  readonly timeoutMs?: number;
}

/** Options of {@link createTokenVerifier} for tokens of one issuer. */
export interface TokenVerifierOptions extends TokenVerifierRules, TokenIssuerOptions {}

/**
 * Options of {@link createTokenVerifier} for tokens of several issuers, as of a service that serves two clusters.
 *
 * @example
 * ```ts
 * const options: MultiIssuerTokenVerifierOptions = {
 *   audience: 'billing',
 *   issuers: [
 *     { issuer: 'https://oidc.east.example', serviceAccounts: ['shop/checkout'] },
 *     { issuer: 'https://oidc.west.example', serviceAccounts: ['shop/checkout', 'shop/returns'] },
 *   ],
 * };
 * ```
 */
export interface MultiIssuerTokenVerifierOptions extends TokenVerifierRules {
  /**
   * The issuers, each with its own keys, API server, CA, bearer and allow-lists, as the same name is another service account in another
   * cluster. The exact claim `iss` of a token selects the issuer; the keys of one prove no token of another.
   */
  readonly issuers: readonly TokenIssuerOptions[];
}
