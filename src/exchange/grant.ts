/** The result of an exchange. */
export interface Grant {
  readonly token: string;
  /** When it was asked for, in milliseconds since the epoch. */
  readonly obtainedAtMs: number;
  /** When the token expires, in milliseconds since the epoch; infinite if it never does. */
  readonly expiresAtMs: number;
  /** When to ask for the next one, in milliseconds since the epoch. */
  readonly refreshAtMs: number;
  /** Whether it renews the grant that was in use. @default false */
  readonly isRenewal?: boolean;
}

/** Returns the grant with its times moved along with a clock that was set back. */
export function movedBack<G extends Grant>(grant: G, byMs: number): G {
  return {
    ...grant,
    obtainedAtMs: grant.obtainedAtMs - byMs,
    expiresAtMs: grant.expiresAtMs - byMs,
    refreshAtMs: grant.refreshAtMs - byMs,
  };
}
