import type { TokenVerificationError } from './token-verification-error.js';

/** What was found out about a token, whose claims are another matter: they are looked at every time. */
export interface Verdict {
  /** Why the token is not genuine; undefined for a genuine one. */
  readonly refusal?: TokenVerificationError | undefined;
  /** Returns whether the verdict is still to be relied on; otherwise the token has to be proved again. */
  holds(): boolean;
}
