/**
 * Says how a request carries a token: the header, and the scheme that precedes the token in it.
 *
 * @example
 * ```ts
 * const vault: TokenCarrier = { header: 'X-Vault-Token' };            // X-Vault-Token: hvs.…
 * const bearer: TokenCarrier = { header: 'Authorization', scheme: 'Bearer' };  // Authorization: Bearer eyJ…
 * ```
 */
export interface TokenCarrier {
  /** Name of the HTTP header; compared without regard to case. */
  readonly header: string;
  /** Authentication scheme (RFC 9110 section 11.1) written before the token; none when left out. */
  readonly scheme?: string;
  /**
   * Statuses by which a server says that it does not accept the token.
   *
   * @default [401]; Vault says 403
   */
  readonly refusedStatuses?: readonly number[];
}

/** The default carrier of a token: `Authorization: Bearer …` (RFC 6750 section 2.1). */
export const BEARER_CARRIER: TokenCarrier = Object.freeze({ header: 'Authorization', scheme: 'Bearer' });

/** Options of one request for a token. */
export interface GetTokenOptions {
  /** Ends the wait when it aborts: the call rejects with `ERR_TOKEN_ABORTED`. Work shared with other callers goes on. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Gives a client its token. {@link ProjectedTokenProvider} reads one from a projected volume; the exchanges (Vault,
 * TokenRequest) turn one source into another.
 *
 * @example
 * ```ts
 * const fixed: TokenSource = {
 *   getToken: async () => 'a-token',
 *   replaceToken: async () => undefined,
 * };
 * ```
 */
export interface TokenSource {
  /** Resolves with a token that has not expired at this moment; rejects when there is none. */
  getToken(options?: GetTokenOptions): Promise<string>;

  /**
   * Returns the token that is usable at this moment, or `undefined`, without I/O and without a wait. Optional. It lets
   * a client that has a token at hand send its request in the same turn, without the wait for a promise.
   *
   * @example
   * ```ts
   * const token = source.peekToken?.() ?? (await source.getToken());
   * ```
   */
  peekToken?(): string | undefined;

  /**
   * Call this when a server rejected a token. Resolves with a different one, or with `undefined` when there is none.
   *
   * @param refused - the token that was rejected, exactly as `getToken` gave it
   */
  replaceToken(refused: string, options?: GetTokenOptions): Promise<string | undefined>;

  /** How a request carries the token. Default: {@link BEARER_CARRIER}. */
  readonly carrier?: TokenCarrier;
}
