import { printable } from '../internal/printable.js';
import { withoutSecrets } from '../internal/without-secrets.js';
import type { ParsedToken } from './parse-token.js';
import { TokenVerificationError } from './token-verification-error.js';

/** The result of a review (TokenReviewStatus of authentication.k8s.io/v1, types.go). */
export interface TokenReviewStatus {
  /** Absent if false. */
  readonly authenticated?: boolean;
  readonly audiences?: readonly string[];
  readonly user?: { readonly username?: string };
  readonly error?: string;
}

/** Returns the body of the request for a review. */
export function tokenReview({ text }: ParsedToken, audiences: readonly string[]): Readonly<Record<string, unknown>> {
  return { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token: text, audiences } };
}

/** Reads the answer to a review; undefined for any other document, such as that of a proxy in between. */
export function readTokenReview(body: string): TokenReviewStatus | undefined {
  let review: unknown;
  try {
    review = JSON.parse(body);
  } catch {
    // Without the error: its message may quote the body, which has the token in it.
    return undefined;
  }
  const status = isObject(review) ? review.status : undefined;
  if (!isObject(status)) return undefined;
  const { authenticated, audiences, user, error } = status;
  const isReview =
    isOptional(authenticated, 'boolean') &&
    isOptional(error, 'string') &&
    isStrings(audiences) &&
    isUser(user) &&
    // An API server always names a user, even one without a name.
    (authenticated !== undefined || error !== undefined || user !== undefined);
  return isReview ? (status as TokenReviewStatus) : undefined;
}

/**
 * Returns the error for a reviewed token that is rejected, or undefined.
 *
 * @param audiences - those that the review asked for
 */
export function refusalOf(
  { authenticated, audiences: confirmed, user, error }: TokenReviewStatus,
  { text, claims }: ParsedToken,
  audiences: readonly string[],
): TokenVerificationError | undefined {
  if (authenticated !== true) {
    const why = error === undefined ? '' : `: ${JSON.stringify(printable(withoutSecrets(error, [text]), 300))}`;
    return new TokenVerificationError(
      'ERR_VERIFY_REVOKED',
      `The API server rejects the token${why}. The token may be of another cluster, changed or expired, or its pod or service ` +
        'account was deleted.',
    );
  }
  // An API server, or a webhook behind it, that ignores audiences would accept a token for any service.
  if (!confirmed?.some((audience) => audiences.includes(audience))) {
    return new TokenVerificationError(
      'ERR_VERIFY_AUDIENCE',
      `The API server does not confirm that the token is for ${audiences.map((one) => JSON.stringify(one)).join(', ')}.`,
      { claim: 'aud' },
    );
  }
  if (user?.username === claims.sub) return undefined;
  return new TokenVerificationError(
    'ERR_VERIFY_CLAIM',
    'The TokenReview names another subject than the claim "sub" of the token.',
    {
      claim: 'sub',
    },
  );
}

function isUser(value: unknown): boolean {
  return value === undefined || (isObject(value) && isOptional(value.username, 'string'));
}

function isStrings(value: unknown): boolean {
  return value === undefined || (Array.isArray(value) && value.every((item) => typeof item === 'string'));
}

function isOptional(value: unknown, type: 'string' | 'boolean'): boolean {
  return value === undefined || typeof value === type;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
