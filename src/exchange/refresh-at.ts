/** Random spread as a share of the life, so that many processes do not refresh together. */
const SPREAD = 0.1;

/**
 * Returns when to ask for the next token, in milliseconds since the epoch.
 *
 * @param share - of its life, after which a token is replaced on average
 */
export function refreshAt(obtainedAtMs: number, lifeMs: number, share: number): number {
  return Math.floor(obtainedAtMs + lifeMs * (share + (Math.random() - 0.5) * SPREAD));
}
