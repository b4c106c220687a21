/** The result of an exchange. */
export interface Grant {
  readonly token: string;
  /** When it was asked for, in milliseconds since the epoch. */
  readonly obtainedAtMs: number;
  /** When the token stops working, in milliseconds since the epoch; infinite when it never does. */
  readonly expiresAtMs: number;
  /** When to ask for the next one, before this one expires. */
  readonly refreshAtMs: number;
  /** Whether it is the grant that was in use, with a longer life. @default false: a new one */
  readonly isRenewal?: boolean;
}

/** Returns the grant as it is by a clock that was set back. */
export function movedBack<G extends Grant>(grant: G, byMs: number): G {
  return {
    ...grant,
    obtainedAtMs: grant.obtainedAtMs - byMs,
    expiresAtMs: grant.expiresAtMs - byMs,
    refreshAtMs: grant.refreshAtMs - byMs,
  };
}
