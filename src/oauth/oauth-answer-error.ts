import { JSON_ATTRIBUTE_COMPARISON, type OperationProcessingError } from 'oauth4webapi';
import { TokenExchangeError } from '../errors.js';
import { retryAfterMs } from '../exchange/retry-after.js';
import type { HttpAnswer } from '../internal/http-client.js';
import { printable } from '../internal/printable.js';

/** Returns whether an error may pass: too many requests, a timeout, a fault of the server or of a proxy in front of it. */
export function isPassing(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || status >= 500;
}

/** Returns the error for an answer that may be different later. */
export function comeAgain(url: URL, { status, headers }: HttpAnswer, says = ''): TokenExchangeError {
  return new TokenExchangeError(
    'ERR_EXCHANGE_UNAVAILABLE',
    `The authorization server answers ${status}${says} at ${url.origin}${url.pathname}. The request will be retried.`,
    { status, retryAfterMs: retryAfterMs(headers['retry-after']) },
  );
}

/** Returns the error for an answer with status 200 but without a token as OAuth 2.0 specifies it. */
export function badAnswer(url: URL, error: unknown): TokenExchangeError {
  return new TokenExchangeError(
    'ERR_EXCHANGE_INVALID',
    `The answer of ${url.origin}${url.pathname} holds no token (${reasonOf(error)}). Check that the option "issuer" or "tokenEndpoint" is the address of an OAuth 2.0 authorization server.`,
    { status: 200 },
  );
}

/** Returns the error for unusable metadata. */
export function badMetadata(issuer: URL, url: URL, answer: HttpAnswer, error: unknown): TokenExchangeError {
  const { status } = answer;
  if (isPassing(status)) return comeAgain(url, answer);
  const found = issuerFound(error);
  if (found !== undefined) {
    return new TokenExchangeError(
      'ERR_EXCHANGE_INVALID',
      `The metadata at ${url.href} name the issuer "${found}", not "${issuer.href}". If that is the right server, set the option "issuer" to "${found}".`,
      { status },
    );
  }
  const what =
    status === 200 ? `is not metadata of an authorization server (${reasonOf(error)})` : `is status ${status}`;
  return new TokenExchangeError(
    'ERR_EXCHANGE_INVALID',
    `The answer of ${url.href} ${what}. Check the option "issuer", or set "tokenEndpoint" if the server has no metadata.`,
    { status },
  );
}

/** Takes the message only: those of oauth4webapi are fixed texts, while the cause has the answer, which may hold a token. */
function reasonOf(error: unknown): string {
  return printable((error as Error).message, 200);
}

function issuerFound(error: unknown): string | undefined {
  const { code, cause } = error as OperationProcessingError;
  if (code !== JSON_ATTRIBUTE_COMPARISON) return undefined;
  return printable(String((cause as { body?: { issuer?: unknown } }).body?.issuer), 200);
}
