import type { IncomingMessage, ServerResponse } from 'node:http';
import { InvalidOptionError, type TokenVerificationErrorCode } from '../errors.js';
import { isProjectedTokenError } from '../internal/is-projected-token-error.js';
import { type BearerAnswer, bearerAnswerTo, readBearer } from './bearer-authentication.js';
import type { TokenVerifier } from './create-token-verifier.js';
import { exchangeOf, type HttpExchange, type RawReply, type RawRequest } from './http-exchange.js';
import type { TokenIdentity } from './token-identity.js';
import type { TokenVerificationError } from './token-verification-error.js';

export type { RawReply, RawRequest } from './http-exchange.js';

/** Options of {@link requireToken}. */
export interface RequireTokenOptions {
  /** Attribute `realm` of the header `WWW-Authenticate` (RFC 9110 section 11.5). @default 'kubernetes' */
  readonly realm?: string;
  /**
   * Called for each rejected request, to log the reason; the caller learns less. The error is undefined if the request had no
   * well-formed bearer token. If the function throws or rejects, the process emits a warning.
   */
  readonly onRefused?: (error: TokenVerificationError | undefined, request: IncomingMessage) => unknown;
}

/** A middleware of Express, and a hook with a callback of Fastify. */
export type RequireTokenHandler = (
  request: IncomingMessage | RawRequest,
  response: ServerResponse | RawReply,
  next: (error?: Error) => void,
) => void;

/**
 * Returns a middleware for Express (and other Connect servers), and a hook `onRequest` for Fastify, that lets only requests with a
 * verified token in the header `Authorization` pass. {@link tokenIdentityOf} then returns the sender.
 *
 * Other requests are answered by RFC 6750 section 3, without a body:
 *
 * | status | when |
 * |---|---|
 * | 401 | no bearer token, or it is rejected: `error="invalid_token"` |
 * | 400 | the header occurs twice or is malformed: `error="invalid_request"` |
 * | 403 | the token is genuine, but its service account is not allowed: `error="insufficient_scope"` |
 * | 503 | the keys or the API server cannot be reached; `Retry-After: 5` |
 *
 * A request that was answered meanwhile, for example by a time-out middleware, is left alone.
 *
 * @example
 * ```ts
 * app.use(requireToken(verifier));                       // Express
 * app.get('/whoami', (request, response) => response.json(tokenIdentityOf(request)));
 *
 * fastify.addHook('onRequest', requireToken(verifier));  // Fastify
 * ```
 */
export function requireToken(
  verifier: Pick<TokenVerifier, 'verify'>,
  options: RequireTokenOptions = {},
): RequireTokenHandler {
  const { realm = 'kubernetes', onRefused } = options;
  if (!/^[\x20-\x7e]+$/.test(realm)) {
    throw new InvalidOptionError('realm', 'The option "realm" must consist of printable ASCII characters.');
  }

  async function report(error: TokenVerificationError | undefined, request: IncomingMessage): Promise<void> {
    try {
      await onRefused?.(error, request);
    } catch (cause) {
      warn('the option "onRefused"', cause);
    }
  }

  async function authenticate(request: IncomingMessage): Promise<TokenIdentity | BearerAnswer> {
    const bearer = readBearer(request);
    if (bearer.token === undefined) {
      void report(undefined, request);
      return bearerAnswerTo(bearer.fault, realm);
    }
    try {
      return await verifier.verify(bearer.token);
    } catch (error) {
      if (!isVerificationError(error)) throw error;
      void report(error, request);
      return bearerAnswerTo(error.code, realm);
    }
  }

  async function handle(...[request, response, next]: Parameters<RequireTokenHandler>): Promise<void> {
    const exchange = exchangeOf(request, response);
    try {
      const result = await authenticate(exchange.request);
      if (exchange.isAnswered) return;
      if ('status' in result) return exchange.answer(result);
      Object.assign(request, { tokenIdentity: result });
    } catch (error) {
      if (exchange.isAnswered) return warn('the verifier', error);
      return proceed(exchange, () => next(error as Error));
    }
    await proceed(exchange, () => next());
  }

  // Not async: Fastify rejects an async hook with a callback.
  return (request, response, next) => {
    handle(request, response, next).catch((cause: unknown) => warn('the answer', cause));
  };
}

/** Calls the next handler, and answers 500 if it throws: nobody else would answer then. */
async function proceed(exchange: HttpExchange, next: () => unknown): Promise<void> {
  try {
    await next();
  } catch (cause) {
    warn('next()', cause);
    exchange.answer({ status: 500, headers: {} });
  }
}

/**
 * Returns the sender of a request that {@link requireToken} let pass; also in the request's property `tokenIdentity`.
 *
 * @throws `ERR_TOKEN_OPTION` if the request did not pass `requireToken`: the route is not protected
 */
export function tokenIdentityOf(request: object): TokenIdentity {
  const { tokenIdentity } = request as { tokenIdentity?: TokenIdentity };
  if (tokenIdentity !== undefined) return tokenIdentity;
  throw new InvalidOptionError(
    'requireToken',
    'The token of this request was not verified. Put requireToken(verifier) before this route.',
  );
}

/** Checks the code, as the verifier may be of another copy of this library (CommonJS beside the ES module). */
function isVerificationError(
  error: unknown,
): error is TokenVerificationError & { readonly code: TokenVerificationErrorCode } {
  return isProjectedTokenError(error) && error.code.startsWith('ERR_VERIFY_');
}

function warn(what: string, cause: unknown): void {
  process.emitWarning(new Error(`requireToken: ${what} failed; its error is the cause of this one.`, { cause }));
}
