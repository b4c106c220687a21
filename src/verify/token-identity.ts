import type { BoundTokenClaims, KubernetesObjectReference } from '../token/claims.js';
import { FINGERPRINT_LENGTH } from '../token/fingerprint.js';
import { audiencesOf } from './assert-claims.js';
import { TokenVerificationError } from './token-verification-error.js';

/** The sender of a verified token. Immutable, and safe to log. */
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
  /** Claim `iss`: one of the verifier's issuers. */
  readonly issuer: string;
  /** The token's audiences that the verifier expects; at least one. */
  readonly audiences: readonly string[];
  /** Claim `exp`. */
  readonly expiresAt: Date;
  /** First 12 hexadecimal digits of the SHA-256 of the token, as in the sender's log. */
  readonly fingerprint: string;
  /** All claims, deeply frozen. */
  readonly claims: BoundTokenClaims;
}

/**
 * Returns the identity in the claims of a token; trust it only after the token is verified.
 *
 * @param digest - SHA-256 of the token in hexadecimal
 * @param audiences - those that the verifier expects
 * @throws `ERR_VERIFY_CLAIM` if the claims name no service account, or two
 */
export function statedIdentity(claims: BoundTokenClaims, digest: string, audiences: readonly string[]): TokenIdentity {
  const { iss: issuer, sub: subject, exp } = claims;
  const { namespace, serviceaccount: serviceAccount, pod, node } = claims['kubernetes.io'] ?? {};
  if (namespace === undefined || serviceAccount === undefined || exp === undefined || issuer === undefined) {
    throw new TokenVerificationError(
      'ERR_VERIFY_CLAIM',
      'The token is not a bound service account token: the claim "exp", or "kubernetes.io" with a namespace and a service account, is missing.',
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
    // A Date is mutable, so each identity gets its own.
    expiresAt: new Date(exp * 1000),
    fingerprint: digest.slice(0, FINGERPRINT_LENGTH),
    claims,
  });
}
