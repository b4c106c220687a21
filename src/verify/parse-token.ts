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

/** A token that was read and not yet verified. */
export interface ParsedToken {
  /** The token itself: a secret, which nothing but a TokenReview may carry. */
  readonly text: string;
  /** SHA-256 of the token, see {@link tokenDigest}. */
  readonly digest: string;
  readonly header: TokenHeader;
  readonly claims: BoundTokenClaims;
}

/**
 * Header parameters that a bound token never has (kubernetes/kubernetes pkg/serviceaccount/jwt.go sets `alg` and `kid`).
 * With some of them a token names its own key (RFC 7515 sections 4.1.2 to 4.1.8), with `crit` and `b64` it changes what
 * its signature is over. To ignore them would be safe as well; whoever sends them is up to something.
 */
const REFUSED_PARAMETERS = ['jwk', 'jku', 'x5c', 'x5u', 'x5t', 'x5t#S256', 'crit', 'b64', 'zip', 'enc'];

const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

// Made once: making one takes longer than reading a token. A byte order mark is not ignored but is no JSON.
const UTF_8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Throws unless a value may be a token at all; JavaScript callers pass on whatever a request had.
 *
 * @throws `ERR_VERIFY_MALFORMED`
 */
export function assertTokenText(token: unknown): asserts token is string {
  if (typeof token !== 'string') throw malformed(`it is not a string, but ${token === null ? 'null' : typeof token}`);
  if (token.length > MAX_TOKEN_BYTES) throw malformed(`it is longer than ${MAX_TOKEN_BYTES} characters`);
}

/**
 * Reads a token strictly, and checks its header.
 *
 * @throws `ERR_VERIFY_MALFORMED`, `ERR_VERIFY_ALGORITHM`, `ERR_VERIFY_HEADER`
 */
export function parseToken(
  text: string,
  algorithms: readonly string[],
  digest: string = tokenDigest(text),
): ParsedToken {
  // An unsigned token (RFC 7519 section 6) is a well-formed one with an empty signature: say what is wrong with it.
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
    throw refusedHeader('typ', 'The header of the token says that it is something else than a JSON Web Token.');
  }
  if (typeof kid !== 'string' || kid === '') {
    throw refusedHeader('kid', 'The header of the token does not say which key it is signed with.');
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
    // No cause is kept: a parser's message may quote the text it could not read, which is the token.
    throw malformed(`its ${what} is not JSON in UTF-8, or has a name twice`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw malformed(`its ${what} is not a JSON object`);
  }
  return value as Record<string, unknown>;
}

// The unused bits of the last character could be anything, so that one token would have several spellings
// (RFC 4648 section 3.5 lets a decoder reject all but one).
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
