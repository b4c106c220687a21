import { InvalidOptionError, TokenExchangeError } from '../errors.js';
import { withDeadline } from '../internal/deadline.js';
import type { TokenSource } from '../token-source.js';

/** Returns the value if it is a token source; throws `ERR_TOKEN_OPTION`. */
export function requiredSource(option: string, value: unknown): TokenSource {
  const source = value as Partial<TokenSource> | undefined;
  if (typeof source?.getToken === 'function' && typeof source.replaceToken === 'function') return source as TokenSource;
  throw new InvalidOptionError(
    option,
    `The option "${option}" must be a token source, such as a ProjectedTokenProvider.`,
  );
}

/** How long a source may take where no option says so, in milliseconds; a projected volume answers at once. */
export const SOURCE_TIMEOUT_MS = 10_000;

/**
 * Takes the service account token to exchange from its source, with a deadline: a source that never answers must not block the next
 * attempt.
 *
 * @param timeoutMs - deadline of the source, in milliseconds
 * @throws `ERR_EXCHANGE_UNAVAILABLE` after the deadline; what the source throws; the signal's reason
 */
export function tokenFrom(source: TokenSource, timeoutMs: number, signal?: AbortSignal): Promise<string> {
  const toError = () => noToken(timeoutMs);
  return withDeadline((signal) => source.getToken({ signal }), { timeoutMs, toError, signal });
}

/** Takes a token other than the rejected one; undefined if the source has none. Throws as {@link tokenFrom} does. */
export function replacementFrom(
  source: TokenSource,
  rejected: string,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const toError = () => noToken(timeoutMs);
  const work = (signal: AbortSignal) => source.replaceToken(rejected, { signal });
  return withDeadline(work, { timeoutMs, toError, signal });
}

/**
 * Exchanges the newest token of a source. If that is denied and the source has another token, tries once more with it.
 *
 * @throws what `exchange` throws; as {@link tokenFrom} does
 */
export async function exchangeNewest<T>(
  source: TokenSource,
  exchange: (token: string) => Promise<T>,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<T> {
  const token = await tokenFrom(source, timeoutMs, signal);
  try {
    return await exchange(token);
  } catch (error) {
    if ((error as Partial<TokenExchangeError>).code !== 'ERR_EXCHANGE_DENIED') throw error;
    const replacement = await replacementFrom(source, token, timeoutMs, signal);
    if (replacement === undefined || replacement === token) throw error;
    return exchange(replacement);
  }
}

function noToken(timeoutMs: number): TokenExchangeError {
  return new TokenExchangeError(
    'ERR_EXCHANGE_UNAVAILABLE',
    `The source of the service account token returned no token within ${timeoutMs} ms. Check the option "source" and the volume that it reads.`,
  );
}
