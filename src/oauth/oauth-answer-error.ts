import { JSON_ATTRIBUTE_COMPARISON, type OperationProcessingError } from 'oauth4webapi';
import { TokenExchangeError } from '../errors.js';
import { retryAfterMs } from '../exchange/retry-after.js';
import type { HttpAnswer } from '../internal/http-client.js';
import { printable } from '../internal/printable.js';

/** Answers that pass: too many requests, a timeout, and faults of the server or of a proxy before it. */
export function isPassing(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || status >= 500;
}

/** The error for an answer that says to come again later. */
export function comeAgain(url: URL, { status, headers }: HttpAnswer, says = ''): TokenExchangeError {
  return new TokenExchangeError(
    'ERR_EXCHANGE_UNAVAILABLE',
    `The authorization server answers ${status}${says} at ${url.origin}${url.pathname}. The request will be retried.`,
    { status, retryAfterMs: retryAfterMs(headers['retry-after']) },
  );
}

/** The error for an answer of status 200 that holds no token as OAuth 2.0 describes it. */
export function badAnswer(url: URL, error: unknown): TokenExchangeError {
  return new TokenExchangeError(
    'ERR_EXCHANGE_INVALID',
    `The answer of ${url.origin}${url.pathname} holds no token (${reasonOf(error)}). Check that the option "issuer" or "tokenEndpoint" is that of an OAuth 2.0 authorization server.`,
    { status: 200 },
  );
}

/** The error for metadata that cannot be used. */
export function badMetadata(issuer: URL, url: URL, answer: HttpAnswer, error: unknown): TokenExchangeError {
  const { status } = answer;
  if (isPassing(status)) return comeAgain(url, answer);
  const found = issuerFound(error);
  if (found !== undefined) {
    return new TokenExchangeError(
      'ERR_EXCHANGE_INVALID',
      `The metadata at ${url.href} are those of the issuer "${found}", not of "${issuer.href}". Set the option "issuer" to the former if that is the server you mean.`,
      { status },
    );
  }
  const what =
    status === 200 ? `are no metadata of an authorization server (${reasonOf(error)})` : `is status ${status}`;
  return new TokenExchangeError(
    'ERR_EXCHANGE_INVALID',
    `What ${url.href} answers ${what}. Check the option "issuer", or set "tokenEndpoint" where the server has no metadata.`,
    { status },
  );
}

/** The messages of oauth4webapi are fixed texts; what they are about, the answer, is in the cause and may hold a token. */
function reasonOf(error: unknown): string {
  return printable((error as Error).message, 200);
}

function issuerFound(error: unknown): string | undefined {
  const { code, cause } = error as OperationProcessingError;
  if (code !== JSON_ATTRIBUTE_COMPARISON) return undefined;
  return printable(String((cause as { body?: { issuer?: unknown } }).body?.issuer), 200);
}
