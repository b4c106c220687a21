import type { ParsedToken } from './parse-token.js';

/** One way to prove that a token, whose claims were found good, is genuine. */
export interface TokenProof {
  /** Resolves for a genuine token; rejects with a `TokenVerificationError` otherwise. */
  prove(parsed: ParsedToken): Promise<void>;
}
