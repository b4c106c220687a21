/** What a client that sends with a carrying fetch may know of its bodies. */
export interface CarryFetchOptions {
  /** Whether the body of a `Request` is kept for a second sending. */
  readonly keepBody: boolean;
}
