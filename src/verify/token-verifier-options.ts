import type { ConnectionOptions } from '../internal/connection-options.js';
import type { TokenSource } from '../token-source.js';

/** What the verifier has to know of an issuer, which is usually a cluster. */
export interface TokenIssuerOptions extends ConnectionOptions {
  /**
   * Claim `iss` of the tokens, to the letter: `--service-account-issuer` of the API server. With the method `key-set`
   * and without `apiServer` it is also where the keys are found, through OpenID Connect Discovery.
   *
   * While a cluster moves from one value to another, tokens of both are in use: give a list. With `apiServer` the keys
   * of that API server count for all values, and its discovery document has to name one of them. Without it, each value
   * is an issuer with keys of its own.
   */
  readonly issuer: string | readonly string[];
  /**
   * How a token is proved genuine.
   *
   * `key-set`: by its signature, with the keys that the issuer publishes. No request per token; the deletion of a pod
   * goes unnoticed until its tokens expire.
   *
   * `token-review`: by asking the API server, which knows that a pod is gone. One request a token in 10 s, 16 at once.
   * Where the API server shows its keys, the signature is checked first, so that forged tokens cost no request.
   *
   * @default 'key-set'
   */
  readonly method?: 'key-set' | 'token-review';
  /**
   * What proves a token genuine while the API server cannot be asked for a TokenReview: it is unreachable, too slow, or
   * answers 429 or 5xx. With `key-set` the signature alone does, so the deletion of a pod goes unnoticed during the
   * outage. The API server is asked again every 5 s.
   *
   * @default none: such tokens fail with `ERR_VERIFY_UNAVAILABLE`
   */
  readonly fallbackMethod?: 'key-set';
  /**
   * The API server, such as `https://kubernetes.default.svc`. It is asked for reviews; for the method `key-set` it is
   * asked for the keys in the place of the issuer, whatever address its discovery document names: that is often one
   * outside of the cluster.
   *
   * @default none; `token-review` needs it
   */
  readonly apiServer?: string | URL;
  /**
   * This service's own token, for the API server (or the issuer, without `apiServer`); it is sent to no other origin. Default
   * RBAC shows the keys to service accounts only; reviews need the cluster role `system:auth-delegator`.
   *
   * @default none: anonymous
   */
  readonly bearer?: TokenSource | (() => string | Promise<string>);
  /** Namespaces of this issuer whose service accounts are let in. @default all */
  readonly namespaces?: readonly string[];
  /**
   * Service accounts of this issuer that are let in, each `namespace/name`. With `namespaces` as well, both must agree.
   *
   * @default all
   */
  readonly serviceAccounts?: readonly string[];
}

/** What the verifier demands of every token, whoever issued it. */
export interface TokenVerifierRules {
  /** What this service calls itself. A token must have at least one of these audiences. */
  readonly audience: string | readonly string[];
  /** Signature algorithms that are accepted; asymmetric ones only. @default ['RS256', 'ES256', 'ES384', 'ES512'], those of an API server */
  readonly algorithms?: readonly string[];
  /** How far clocks may differ, for `exp`, `nbf` and `iat`; 0 to 300. @default 60, as the API server's own */
  readonly clockToleranceSeconds?: number;
  /** How long an answer of an issuer or API server may take, in milliseconds; 1 to 2147483647. @default 5000 */
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
   * The issuers, each with its own keys, API server, CA, bearer and allow-lists: the same name is another service account
   * in another cluster. The claim `iss` of a token decides which of them it has to come from, to the letter; the keys of
   * one prove no token of another.
   */
  readonly issuers: readonly TokenIssuerOptions[];
}
