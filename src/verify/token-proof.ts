import type { ParsedToken } from './parse-token.js';
import type { Verdict } from './verdict.js';

/** One way to prove a token genuine, after its claims were checked. */
export interface TokenProof {
  /**
   * Resolves with a verdict on the token.
   *
   * @throws a `TokenVerificationError` that may pass: `ERR_VERIFY_UNAVAILABLE`, or `ERR_VERIFY_KEY` for a key that may be published a
   * moment later
   */
  prove(parsed: ParsedToken): Promise<Verdict>;
}
