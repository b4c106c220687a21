import { decodeProtectedHeader } from 'jose/decode/protected_header';
import { decodeJwt } from 'jose/jwt/decode';
import { TokenFileError } from '../errors.js';
import type { BoundTokenClaims } from './claims.js';

// RFC 7515 section 7.1: three parts of base64url without padding. An empty signature (alg "none") is no bound token.
const COMPACT_JWS = /^[\w-]+\.[\w-]+\.[\w-]+$/;

// The range of a Date (ECMA-262 section 21.4.1.1), in seconds.
const MAX_SECONDS = 8.64e12;

/** Whether a text has the form of a JSON Web Token. */
export function isCompactJws(text: string): boolean {
  return COMPACT_JWS.test(text);
}

/** Decodes the claims of a JWT and checks the types of those that this library reads; `ERR_TOKEN_MALFORMED` otherwise. */
export function parseJwt(value: string): BoundTokenClaims {
  if (!isCompactJws(value)) {
    throw malformed('it does not have the three base64url parts of a JSON Web Token');
  }
  // No cause is kept from here: a parser's message may quote the text it could not read, which is the token.
  try {
    decodeProtectedHeader(value);
  } catch {
    throw malformed('its header is not a JSON object in base64url');
  }
  let claims: Readonly<Record<string, unknown>>;
  try {
    claims = decodeJwt(value);
  } catch {
    throw malformed('its payload is not a JSON object in base64url');
  }
  assertClaimTypes(claims);
  return claims;
}

/** Throws `ERR_TOKEN_MALFORMED` unless the claims that this library reads have the types of {@link BoundTokenClaims}. */
export function assertClaimTypes(claims: Readonly<Record<string, unknown>>): asserts claims is BoundTokenClaims {
  for (const name of ['iss', 'sub', 'jti']) {
    if (!isOptional(claims[name], isString)) throw malformed(`its claim "${name}" is not a string`);
  }
  for (const name of ['exp', 'iat', 'nbf']) {
    if (!isOptional(claims[name], isNumericDate)) throw malformed(`its claim "${name}" is not a number of seconds`);
  }
  if (!isOptional(claims.aud, (aud) => isString(aud) || (Array.isArray(aud) && aud.every(isString)))) {
    throw malformed('its claim "aud" is neither a string nor a list of strings');
  }
  const kubernetes: unknown = claims['kubernetes.io'];
  if (kubernetes === undefined) return;
  if (!isObject(kubernetes)) throw malformed('its claim "kubernetes.io" is not an object');
  if (!isOptional(kubernetes.namespace, isString)) {
    throw malformed('its claim "kubernetes.io.namespace" is not a string');
  }
  if (!isOptional(kubernetes.warnafter, isNumericDate)) {
    throw malformed('its claim "kubernetes.io.warnafter" is not a number of seconds');
  }
  for (const name of ['serviceaccount', 'pod', 'node', 'secret']) {
    const isReference = (value: unknown) => isObject(value) && isString(value.name) && isOptional(value.uid, isString);
    if (!isOptional(kubernetes[name], isReference)) {
      throw malformed(`its claim "kubernetes.io.${name}" is not an object with a name`);
    }
  }
}

function malformed(what: string): TokenFileError {
  return new TokenFileError('ERR_TOKEN_MALFORMED', `The token cannot be read: ${what}.`);
}

function isOptional(value: unknown, is: (value: unknown) => boolean): boolean {
  return value === undefined || is(value);
}

function isString(value: unknown): value is string {
  return typeof value === 'string';
}

function isNumericDate(value: unknown): boolean {
  return typeof value === 'number' && Math.abs(value) <= MAX_SECONDS;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
