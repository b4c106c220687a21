import { BoundToken } from '../token/bound-token.js';
import { isCompactJws } from '../token/parse-jwt.js';
import { MAX_TOKEN_BYTES } from '../volume/read-token-file.js';
import { parseUniqueJson } from './parse-unique-json.js';
import { TokenVerificationError } from './token-verification-error.js';

/** The header of a token whose signature may be looked at. */
export interface TokenHeader {
  readonly alg: string;
  readonly kid: string;
}

/** A token that was read and not yet verified. */
export interface ParsedToken {
  readonly header: TokenHeader;
  readonly token: BoundToken;
}

/**
 * Header parameters that a bound token never has (kubernetes/kubernetes pkg/serviceaccount/jwt.go sets `alg` and `kid`).
 * With some of them a token names its own key (RFC 7515 sections 4.1.2 to 4.1.8), with `crit` and `b64` it changes what
 * its signature is over. To ignore them would be safe as well; whoever sends them is up to something.
 */
const REFUSED_PARAMETERS = ['jwk', 'jku', 'x5c', 'x5u', 'x5t', 'x5t#S256', 'crit', 'b64', 'zip', 'enc'];

/**
 * Reads a token strictly, and checks its header.
 *
 * @throws `ERR_VERIFY_MALFORMED`, `ERR_VERIFY_ALGORITHM`, `ERR_VERIFY_HEADER`
 */
export function parseToken(text: string, algorithms: readonly string[]): ParsedToken {
  if (text.length > MAX_TOKEN_BYTES) throw malformed(`it is longer than ${MAX_TOKEN_BYTES} characters`);
  const [header, payload] = text.split('.') as [string, string];
  // An unsigned token (RFC 7519 section 6) is a well-formed one with an empty signature: say what is wrong with it.
  if (/^[\w-]+\.[\w-]+\.$/.test(text)) {
    throw new TokenVerificationError('ERR_VERIFY_ALGORITHM', 'The token is not signed.', { claim: 'alg' });
  }
  if (!isCompactJws(text)) throw malformed('it does not have the three base64url parts of a JSON Web Token');
  if (!text.split('.').every(isCanonical)) throw malformed('its base64url is not in canonical form');
  const parsedHeader = parsePart(header, 'header');
  parsePart(payload, 'payload');
  return { header: checkHeader(parsedHeader, algorithms), token: parseClaims(text) };
}

function checkHeader(header: unknown, algorithms: readonly string[]): TokenHeader {
  if (typeof header !== 'object' || header === null || Array.isArray(header)) {
    throw malformed('its header is not a JSON object');
  }
  const { alg, kid, typ } = header as Record<string, unknown>;
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

function parseClaims(text: string): BoundToken {
  try {
    return BoundToken.parse(text);
  } catch (error) {
    // Its message has the same beginning, and names the claim.
    throw new TokenVerificationError('ERR_VERIFY_MALFORMED', (error as Error).message);
  }
}

function parsePart(base64url: string, what: string): unknown {
  try {
    return parseUniqueJson(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(base64url, 'base64url')));
  } catch {
    // No cause is kept: a parser's message may quote the text it could not read, which is the token.
    throw malformed(`its ${what} is not JSON in UTF-8, or has a name twice`);
  }
}

// The unused bits of the last character could be anything, so that one token would have several spellings
// (RFC 4648 section 3.5 lets a decoder reject all but one).
function isCanonical(base64url: string): boolean {
  return Buffer.from(base64url, 'base64url').toString('base64url') === base64url;
}

function malformed(what: string): TokenVerificationError {
  return new TokenVerificationError('ERR_VERIFY_MALFORMED', `The token cannot be read: ${what}.`);
}

function refusedHeader(claim: string, message: string): TokenVerificationError {
  return new TokenVerificationError('ERR_VERIFY_HEADER', message, { claim });
}
