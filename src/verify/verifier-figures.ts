import type { TokenVerificationErrorCode } from '../errors.js';

/** Outcome of a verification: `accepted`, or the error code. */
export type VerificationOutcome = 'accepted' | TokenVerificationErrorCode;

/** Figures of a verifier at one moment, for metrics: a plain object. */
export interface VerifierFigures {
  /** Audiences of this service (option `audience`). */
  readonly audiences: readonly string[];
  /** Calls of `verify`, by outcome. */
  readonly verifications: Readonly<Record<VerificationOutcome, number>>;
  readonly issuers: readonly IssuerFigures[];
}

/** Requests to one issuer, or to its API server. */
export interface IssuerFigures {
  /** Claim `iss`; the first if there are several. */
  readonly issuer: string;
  /** TokenReviews, answered or failed. */
  readonly reviews: { readonly answered: number; readonly failed: number };
  /** Fetches of the keys, answered or failed. */
  readonly keyFetches: { readonly answered: number; readonly failed: number };
}
