import type { BoundTokenClaims } from '../token/claims.js';
import { MAX_TOKEN_BYTES } from '../token/max-token-bytes.js';
import { assertClaimTypes, isCompactJws } from '../token/parse-jwt.js';
import { parseUniqueJson } from './parse-unique-json.js';
import { tokenDigest } from './token-digest.js';
import { TokenVerificationError } from './token-verification-error.js';

/** The header of a token whose signature may be checked. */
export interface TokenHeader {
  readonly alg: string;
  readonly kid: string;
}

/** A parsed token, not yet verified. */
export interface ParsedToken {
  /** The token itself: a secret, which goes into a TokenReview only. */
  readonly text: string;
  /** SHA-256 of the token, see {@link tokenDigest}. */
  readonly digest: string;
  readonly header: TokenHeader;
  readonly claims: BoundTokenClaims;
}

/**
 * Header parameters that a bound token never has (kubernetes/kubernetes pkg/serviceaccount/jwt.go sets `alg` and `kid`). With some of
 * them a token names its own key (RFC 7515 sections 4.1.2 to 4.1.8); `crit` and `b64` change what is signed. Ignoring them would be safe
 * too, but whoever sends them is an attacker.
 */
const REFUSED_PARAMETERS = ['jwk', 'jku', 'x5c', 'x5u', 'x5t', 'x5t#S256', 'crit', 'b64', 'zip', 'enc'];

const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

// Created once: that takes longer than parsing a token. A byte order mark is kept, which JSON.parse rejects.
const UTF_8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Throws unless the value is a string of a possible length; JavaScript callers may pass anything.
 *
 * @throws `ERR_VERIFY_MALFORMED`
 */
export function assertTokenText(token: unknown): asserts token is string {
  if (typeof token !== 'string') throw malformed(`it is not a string, but ${token === null ? 'null' : typeof token}`);
  if (token.length > MAX_TOKEN_BYTES) throw malformed(`it is longer than ${MAX_TOKEN_BYTES} characters`);
}

/**
 * Parses a token strictly, and checks its header.
 *
 * @throws `ERR_VERIFY_MALFORMED`, `ERR_VERIFY_ALGORITHM`, `ERR_VERIFY_HEADER`
 */
export function parseToken(
  text: string,
  algorithms: readonly string[],
  digest: string = tokenDigest(text),
): ParsedToken {
  // An unsigned token (RFC 7519 section 6) is well-formed, with an empty signature: it gets its own message.
  if (text.endsWith('.') && isCompactJws(`${text}_`)) {
    throw new TokenVerificationError('ERR_VERIFY_ALGORITHM', 'The token is not signed.', { claim: 'alg' });
  }
  if (!isCompactJws(text)) throw malformed('it does not have the three base64url parts of a JSON Web Token');
  const parts = text.split('.');
  if (!parts.every(isCanonical)) throw malformed('its base64url is not in canonical form');
  const header = checkHeader(parsePart(parts[0]!, 'header'), algorithms);
  return { text, digest, header, claims: checkClaims(parsePart(parts[1]!, 'payload')) };
}

function checkHeader(header: Readonly<Record<string, unknown>>, algorithms: readonly string[]): TokenHeader {
  const { alg, kid, typ } = header;
  if (typeof alg !== 'string' || !algorithms.includes(alg)) {
    throw new TokenVerificationError(
      'ERR_VERIFY_ALGORITHM',
      `The token is not signed with an allowed algorithm (${algorithms.join(', ')}).`,
      { claim: 'alg' },
    );
  }
  const refused = REFUSED_PARAMETERS.find((name) => name in header);
  if (refused !== undefined) throw refusedHeader(refused, `The header of the token has the parameter "${refused}".`);
  if (typ !== undefined && !(typeof typ === 'string' && /^jwt$/i.test(typ))) {
    throw refusedHeader('typ', 'The header of the token has a "typ" other than "JWT".');
  }
  if (typeof kid !== 'string' || kid === '') {
    throw refusedHeader('kid', 'The header of the token has no "kid", so the key that signed it is unknown.');
  }
  return { alg, kid };
}

function checkClaims(claims: Readonly<Record<string, unknown>>): BoundTokenClaims {
  try {
    assertClaimTypes(claims);
  } catch (error) {
    // Its message has the same beginning, and names the claim.
    throw new TokenVerificationError('ERR_VERIFY_MALFORMED', (error as Error).message);
  }
  return claims;
}

function parsePart(base64url: string, what: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = parseUniqueJson(UTF_8.decode(Buffer.from(base64url, 'base64url')));
  } catch {
    // Without the cause: a parser's message may quote the token.
    throw malformed(`its ${what} is not JSON in UTF-8, or has a duplicate name`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw malformed(`its ${what} is not a JSON object`);
  }
  return value as Record<string, unknown>;
}

// The unused bits of the last character could differ, so that one token would have several encodings (RFC 4648 section 3.5 lets a decoder
// reject all but one).
function isCanonical(base64url: string): boolean {
  const rest = base64url.length % 4;
  if (rest === 0) return true;
  const last = BASE64URL.indexOf(base64url.at(-1)!);
  return rest === 2 ? last % 16 === 0 : rest === 3 && last % 4 === 0;
}

function malformed(what: string): TokenVerificationError {
  return new TokenVerificationError('ERR_VERIFY_MALFORMED', `The token cannot be read: ${what}.`);
}

function refusedHeader(claim: string, message: string): TokenVerificationError {
  return new TokenVerificationError('ERR_VERIFY_HEADER', message, { claim });
}
