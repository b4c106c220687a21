import type { BoundToken } from '../token/bound-token.js';
import type { BoundTokenClaims, KubernetesObjectReference } from '../token/claims.js';
import { TokenVerificationError } from './token-verification-error.js';

/** Who sent a verified token. Immutable, and safe to log. */
export interface TokenIdentity {
  /** Namespace of the service account, and of the pod. */
  readonly namespace: string;
  readonly serviceAccount: KubernetesObjectReference;
  /** The pod that the token is bound to; undefined for a token made by `kubectl create token`. */
  readonly pod: KubernetesObjectReference | undefined;
  /** The node of that pod; since Kubernetes 1.30. */
  readonly node: KubernetesObjectReference | undefined;
  /** Claim `sub`: `system:serviceaccount:<namespace>:<name>`. */
  readonly subject: string;
  /** Claim `iss`. */
  readonly issuer: string;
  /** The audiences that both the token has and the verifier was told; at least one. */
  readonly audiences: readonly string[];
  /** Claim `exp`. */
  readonly expiresAt: Date;
  /** First 12 hexadecimal digits of the SHA-256 of the token: the same in the sender's log. */
  readonly fingerprint: string;
  /** All claims, deeply frozen. */
  readonly claims: BoundTokenClaims;
}

/**
 * The identity that the claims of a token state; it is to be believed once the token is verified.
 *
 * @throws `ERR_VERIFY_CLAIM` for a token that does not say which service account it is, or says two
 */
export function statedIdentity(token: BoundToken, audiences: readonly string[]): TokenIdentity {
  const { namespace, serviceAccount, subject, expiresAt, issuer } = token;
  if (namespace === undefined || serviceAccount === undefined || expiresAt === undefined || issuer === undefined) {
    throw new TokenVerificationError(
      'ERR_VERIFY_CLAIM',
      'The token is not a bound service account token: it has no claim "exp", or none "kubernetes.io" with a namespace and a service account.',
      { claim: 'kubernetes.io' },
    );
  }
  if (subject !== `system:serviceaccount:${namespace}:${serviceAccount.name}`) {
    throw new TokenVerificationError(
      'ERR_VERIFY_CLAIM',
      'The claim "sub" of the token names another service account than its claim "kubernetes.io".',
      { claim: 'sub' },
    );
  }
  const { pod, node, fingerprint, claims } = token;
  return Object.freeze({
    namespace,
    serviceAccount,
    pod,
    node,
    subject,
    issuer,
    audiences: Object.freeze(token.audiences.filter((audience) => audiences.includes(audience))),
    expiresAt,
    fingerprint,
    claims,
  });
}
