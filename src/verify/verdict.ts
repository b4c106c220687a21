import type { TokenVerificationError } from './token-verification-error.js';

/** Result of a proof. Claims are not part of it: they are checked on every call. */
export interface Verdict {
  /** Why the token is not genuine; undefined for a genuine one. */
  readonly refusal?: TokenVerificationError | undefined;
  /** Returns whether the verdict is still valid; otherwise the token must be proved again. */
  holds(): boolean;
}
