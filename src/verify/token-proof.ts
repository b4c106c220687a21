import type { ParsedToken } from './parse-token.js';
import type { Verdict } from './verdict.js';

/** One way to find out whether a token, whose claims were found good, is genuine. */
export interface TokenProof {
  /**
   * Resolves with a verdict on the token.
   *
   * @throws a `TokenVerificationError` that says nothing lasting about the token: `ERR_VERIFY_UNAVAILABLE`, or
   * `ERR_VERIFY_KEY` for a key that may be published a moment later
   */
  prove(parsed: ParsedToken): Promise<Verdict>;
}
