/** The last argument of an error's constructor. `ErrorOptions` of TypeScript is unknown to programs that target less than ES2022. */
export interface CauseOption {
  /** The error behind this one. */
  readonly cause?: unknown;
}
