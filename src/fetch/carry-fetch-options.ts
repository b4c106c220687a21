/** Options of a client that sends with a carrying fetch. */
export interface CarryFetchOptions {
  /** Whether the body of a `Request` is kept for a retry. */
  readonly keepBody: boolean;
}
