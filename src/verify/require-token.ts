import type { IncomingMessage, ServerResponse } from 'node:http';
import { InvalidOptionError } from '../errors.js';
import { type BearerAnswer, bearerAnswerTo, readBearer } from './bearer-authentication.js';
import type { TokenVerifier } from './create-token-verifier.js';
import type { TokenIdentity } from './token-identity.js';
import { TokenVerificationError } from './token-verification-error.js';

/** Options of {@link requireToken}. */
export interface RequireTokenOptions {
  /** Attribute `realm` of the header `WWW-Authenticate` (RFC 9110 section 11.5). @default 'kubernetes' */
  readonly realm?: string;
  /** Is told why a request was refused, for a log: the caller learns less. Undefined: it had no usable bearer token. */
  readonly onRefused?: (error: TokenVerificationError | undefined, request: IncomingMessage) => void;
}

/** A request of Fastify, as far as {@link requireToken} uses it. */
export interface RawRequest {
  readonly raw: IncomingMessage;
}

/** A reply of Fastify, as far as {@link requireToken} uses it. */
export interface RawReply {
  readonly raw: ServerResponse;
  code(status: number): RawReply;
  header(name: string, value: string): RawReply;
  send(): unknown;
}

/** What Express calls a middleware, and Fastify a hook with a callback. */
export type RequireTokenHandler = (
  request: IncomingMessage | RawRequest,
  response: ServerResponse | RawReply,
  next: (error?: Error) => void,
) => void;

/**
 * Lets only requests pass that carry a verified token in the header `Authorization`. {@link tokenIdentityOf} then says
 * who sent them. For Express (and anything else in the style of Connect), and for Fastify as a hook `onRequest`.
 *
 * Others are answered, as RFC 6750 section 3 has it, without a body:
 *
 * | status | when |
 * |---|---|
 * | 401 | no bearer token was sent; or it is not accepted: `error="invalid_token"` |
 * | 400 | the header occurs twice or is malformed: `error="invalid_request"` |
 * | 403 | the token is genuine, its service account is not let in: `error="insufficient_scope"` |
 * | 503 | the keys or the API server cannot be reached; `Retry-After: 5` |
 *
 * @example
 * ```ts
 * app.use(requireToken(verifier));                       // Express
 * app.get('/whoami', (request, response) => response.json(tokenIdentityOf(request)));
 *
 * fastify.addHook('onRequest', requireToken(verifier));  // Fastify
 * ```
 */
export function requireToken(verifier: TokenVerifier, options: RequireTokenOptions = {}): RequireTokenHandler {
  const { realm = 'kubernetes', onRefused } = options;
  if (!/^[\x20-\x7e]+$/.test(realm)) {
    throw new InvalidOptionError('realm', 'The option "realm" must be of printable ASCII characters.');
  }

  async function authenticate(request: IncomingMessage): Promise<TokenIdentity | BearerAnswer> {
    const bearer = readBearer(request.rawHeaders);
    if (bearer.token === undefined) {
      onRefused?.(undefined, request);
      return bearerAnswerTo(bearer.fault, realm);
    }
    try {
      return await verifier.verify(bearer.token);
    } catch (error) {
      if (!(error instanceof TokenVerificationError)) throw error;
      onRefused?.(error, request);
      return bearerAnswerTo(error.code, realm);
    }
  }

  return (request, response, next) => {
    authenticate('raw' in request ? request.raw : request).then((result) => {
      if ('status' in result) return refuse(response, result);
      Object.assign(request, { tokenIdentity: result });
      next();
    }, next);
  };
}

/**
 * Who sent a request that {@link requireToken} let pass; also in the request's property `tokenIdentity`.
 *
 * @throws `ERR_TOKEN_OPTION` when the request did not pass it: the route is not protected
 */
export function tokenIdentityOf(request: object): TokenIdentity {
  const { tokenIdentity } = request as { tokenIdentity?: TokenIdentity };
  if (tokenIdentity !== undefined) return tokenIdentity;
  throw new InvalidOptionError(
    'requireToken',
    'Nobody verified the token of this request. Put requireToken(verifier) before this route.',
  );
}

function refuse(response: ServerResponse | RawReply, { status, headers }: BearerAnswer): void {
  if ('code' in response) {
    for (const [name, value] of Object.entries(headers)) response.header(name, value);
    response.code(status).send();
  } else {
    response.writeHead(status, { ...headers, 'Content-Length': '0' }).end();
  }
}
