import type { TokenVerificationErrorCode } from '../errors.js';

/** How a verification ended: the token was accepted, or the code of the error. */
export type VerificationOutcome = 'accepted' | TokenVerificationErrorCode;

/** What metrics show of a verifier: a plain object, as it is at a moment. */
export interface VerifierFigures {
  /** What this service calls itself (option `audience`). */
  readonly audiences: readonly string[];
  /** Calls of `verify`, by how they ended. */
  readonly verifications: Readonly<Record<VerificationOutcome, number>>;
  readonly issuers: readonly IssuerFigures[];
}

/** What was asked of one issuer, or of its API server. */
export interface IssuerFigures {
  /** Its claim `iss`; of several, the first. */
  readonly issuer: string;
  /** TokenReviews, by whether there was an answer. */
  readonly reviews: { readonly answered: number; readonly failed: number };
  /** Fetches of the keys, by whether there were any. */
  readonly keyFetches: { readonly answered: number; readonly failed: number };
}
