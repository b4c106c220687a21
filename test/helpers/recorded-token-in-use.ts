import { BoundToken, TokenFileError } from 'projected-token';
import { type MintOptions, mintToken } from 'projected-token/testing';
import { TokenInUse } from '../../src/provider/token-in-use.js';

const START_MS = Date.parse('2026-03-01T12:00:00Z');
const MARGIN_SECONDS = 10;

/** The time so many seconds after the tokens of {@link mint} were issued, in milliseconds of the epoch. */
export const at = (seconds: number): number => START_MS + seconds * 1000;

/** A token that lives for 600 s, of which the last 10 s are the margin of {@link recordedTokenInUse}. */
export const mint = async (options: MintOptions = {}): Promise<BoundToken> =>
  BoundToken.parse(await mintToken({ issuedAt: new Date(START_MS), expiresInSeconds: 600, ...options }));

/** The reason of a file that holds no token. */
export const malformed = (message = 'not a token'): TokenFileError =>
  new TokenFileError('ERR_TOKEN_MALFORMED', message);

/** A {@link TokenInUse} without a token yet, and the events that it emits. */
export function recordedTokenInUse(): { inUse: TokenInUse; told: unknown[][] } {
  const told: unknown[][] = [];
  const inUse = new TokenInUse(MARGIN_SECONDS, (...event: unknown[]) => {
    told.push(event);
  });
  return { inUse, told };
}
