/** Options of a client that sends with a carrying fetch. */
export interface CarryFetchOptions {
  /** Whether the body of a `Request` is kept for a retry. */
  readonly keepBody: boolean;
  /** Whether a `Request` may have a dispatcher of its own, besides that of the init which it is sent with. */
  readonly mayHaveDispatcher: boolean;
}
