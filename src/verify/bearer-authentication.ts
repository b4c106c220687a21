import type { TokenVerificationErrorCode } from '../errors.js';

/** The content of the header `Authorization`. */
export type BearerCredentials =
  | { readonly token: string; readonly fault?: undefined }
  | { readonly token?: undefined; readonly fault: 'no-credentials' | 'invalid-request' };

/** The answer to a rejected request. */
export interface BearerAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** The headers of a request of node:http, or of a substitute for one. */
export interface RequestHeaders {
  /** Names and values in turns. Substitutes may lack them: serverless-http leaves them empty, node-mocks-http has none. */
  readonly rawHeaders?: readonly string[];
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** Finds the bearer token of a request (RFC 6750 section 2.1). */
export function readBearer(request: RequestHeaders): BearerCredentials {
  const values = authorizationsOf(request);
  if (values.length > 1) return { fault: 'invalid-request' };
  const [value] = values;
  // Another scheme is no bearer token that would have to be malformed.
  if (value === undefined || !/^bearer(?: |$)/i.test(value)) return { fault: 'no-credentials' };
  const token = /^bearer +([\w\-.~+/]+=*)$/i.exec(value)?.[1];
  return token === undefined ? { fault: 'invalid-request' } : { token };
}

/** Returns the answer to a request whose bearer token is missing, malformed or rejected (RFC 6750 sections 3 and 3.1). */
export function bearerAnswerTo(
  fault: TokenVerificationErrorCode | 'no-credentials' | 'invalid-request',
  realm: string,
): BearerAnswer {
  const challenge = `Bearer realm="${realm.replace(/["\\]/g, '\\$&')}"`;
  switch (fault) {
    case 'no-credentials':
      // "the resource server SHOULD NOT include an error code or other error information"
      return answer(401, challenge);
    case 'invalid-request':
      return answer(400, challenge, 'invalid_request', 'Send one header Authorization with one bearer token');
    case 'ERR_VERIFY_FORBIDDEN':
      return answer(403, challenge, 'insufficient_scope', 'This service account is not allowed');
    case 'ERR_VERIFY_UNAVAILABLE':
      return { status: 503, headers: { 'Retry-After': '5', 'Cache-Control': 'no-store' } };
    case 'ERR_VERIFY_EXPIRED':
      return answer(401, challenge, 'invalid_token', 'The token expired');
    case 'ERR_VERIFY_AUDIENCE':
      return answer(401, challenge, 'invalid_token', 'The token is for another audience');
    default:
      return answer(401, challenge, 'invalid_token', 'The token is not accepted');
  }
}

function answer(status: number, challenge: string, error?: string, description?: string): BearerAnswer {
  const attributes = error === undefined ? '' : `, error="${error}", error_description="${description}"`;
  return { status, headers: { 'WWW-Authenticate': challenge + attributes, 'Cache-Control': 'no-store' } };
}

/**
 * Returns every value of the header `Authorization`, from the raw headers if there are any: `headers` of node:http drops all values but
 * one.
 */
function authorizationsOf({ rawHeaders = [], headers = {} }: RequestHeaders): readonly string[] {
  const raw = rawHeaders.filter((_, index) => index % 2 === 1 && isAuthorization(rawHeaders[index - 1]!));
  if (raw.length > 0) return raw;
  return Object.entries(headers).flatMap(([name, value]) => (isAuthorization(name) ? (value ?? []) : []));
}

function isAuthorization(name: string): boolean {
  return name.toLowerCase() === 'authorization';
}
