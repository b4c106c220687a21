import type { ProjectedTokenErrorCode } from '../errors.js';

/** Which exchange it is, to tell several of one program apart. */
export interface ExchangeIdentity {
  /** Kind of the exchange: `vault`, `token-request`, `oauth`. */
  readonly kind: string;
  /** Origin of the server that is asked. */
  readonly server: string;
  /** What it logs in as there, such as `auth/kubernetes/role/shop` in Vault. */
  readonly identity: string;
}

/** What metrics show of an exchange: a plain object without secrets, as it is at a moment. */
export interface ExchangeFigures {
  readonly exchange: ExchangeIdentity;
  /** `opening`: no token yet. `ready`: a token is in use. `expired`: the last one expired and none has followed. `closed`: closed. */
  readonly state: 'opening' | 'ready' | 'expired' | 'closed';
  /** When the token in use was had or renewed. */
  readonly obtainedAt: Date | undefined;
  /** When the token in use expires; undefined when it never does. */
  readonly expiresAt: Date | undefined;
  /** When the next attempt is due; undefined when none is. */
  readonly nextAttemptAt: Date | undefined;
  /** Whether the last attempt failed, and the next one follows after a pause. */
  readonly isBackingOff: boolean;
  readonly counts: {
    /** New tokens. */
    readonly logins: number;
    /** Times that the token in use was given a longer life. */
    readonly renewals: number;
    /** Attempts that failed, by the code of the error. */
    readonly failures: Readonly<Partial<Record<ProjectedTokenErrorCode, number>>>;
  };
}
