import type { BoundTokenClaims, KubernetesObjectReference } from '../token/claims.js';
import { FINGERPRINT_LENGTH } from '../token/fingerprint.js';
import { audiencesOf } from './assert-claims.js';
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
  /** Claim `iss`: which of the issuers of the verifier, where it has several. */
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
 * Returns the identity that the claims of a token state; it is to be believed once the token is verified.
 *
 * @param digest - SHA-256 of the token in hexadecimal
 * @param audiences - those that the verifier was told
 * @throws `ERR_VERIFY_CLAIM` for a token that does not say which service account it is, or says two
 */
export function statedIdentity(claims: BoundTokenClaims, digest: string, audiences: readonly string[]): TokenIdentity {
  const { iss: issuer, sub: subject, exp } = claims;
  const { namespace, serviceaccount: serviceAccount, pod, node } = claims['kubernetes.io'] ?? {};
  if (namespace === undefined || serviceAccount === undefined || exp === undefined || issuer === undefined) {
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
  return Object.freeze({
    namespace,
    serviceAccount,
    pod,
    node,
    subject,
    issuer,
    audiences: Object.freeze(audiencesOf(claims).filter((audience) => audiences.includes(audience))),
    // A date can be changed, so each identity has one of its own.
    expiresAt: new Date(exp * 1000),
    fingerprint: digest.slice(0, FINGERPRINT_LENGTH),
    claims,
  });
}
