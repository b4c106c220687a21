/** A Kubernetes object as the claim `kubernetes.io` names it. */
export interface KubernetesObjectReference {
  readonly name: string;
  /** Unset for a node whose UID the API server did not know. */
  readonly uid?: string;
}

/**
 * Claims of a bound service account token.
 *
 * @see RFC 7519 section 4.1, and kubernetes/kubernetes pkg/serviceaccount/claims.go for `kubernetes.io`
 */
export interface BoundTokenClaims {
  readonly iss?: string;
  readonly sub?: string;
  readonly aud?: string | readonly string[];
  /** Seconds since the epoch, as every time in a claim. */
  readonly exp?: number;
  readonly iat?: number;
  readonly nbf?: number;
  readonly jti?: string;
  readonly 'kubernetes.io'?: {
    readonly namespace?: string;
    readonly serviceaccount?: KubernetesObjectReference;
    readonly pod?: KubernetesObjectReference;
    readonly node?: KubernetesObjectReference;
    readonly secret?: KubernetesObjectReference;
    /** When an extended token was meant to be replaced, long before its `exp`. */
    readonly warnafter?: number;
  };
  readonly [claim: string]: unknown;
}
