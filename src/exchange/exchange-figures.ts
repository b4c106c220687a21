import type { ProjectedTokenErrorCode } from '../errors.js';

/** Identifies an exchange among several of one program. */
export interface ExchangeIdentity {
  /** Kind of the exchange: `vault`, `token-request`, `oauth`. */
  readonly kind: string;
  /** Origin of the server. */
  readonly server: string;
  /** What the program logs in as, such as `auth/kubernetes/role/shop` in Vault. */
  readonly identity: string;
}

/** Figures of an exchange at one moment, for metrics: a plain object without secrets. */
export interface ExchangeFigures {
  readonly exchange: ExchangeIdentity;
  /** `opening`: no token yet. `ready`: a token is in use. `expired`: the last token expired without a new one. `closed`: closed. */
  readonly state: 'opening' | 'ready' | 'expired' | 'closed';
  /** When the token in use was obtained or renewed. */
  readonly obtainedAt: Date | undefined;
  /** When the token in use expires; undefined if it never does. */
  readonly expiresAt: Date | undefined;
  /** When the next attempt is due; undefined when none is. */
  readonly nextAttemptAt: Date | undefined;
  /** True in the pause after a failed attempt. */
  readonly isBackingOff: boolean;
  readonly counts: {
    /** How often a new token was obtained. */
    readonly logins: number;
    /** How often the token in use was renewed. */
    readonly renewals: number;
    /** Failed attempts, by error code. */
    readonly failures: Readonly<Partial<Record<ProjectedTokenErrorCode, number>>>;
  };
}
