import { assertAudience } from './acceptance.js';
import { BoundToken } from './bound-token.js';

/** The audience that a token must have: one, any of several, or `false` for no check. */
export type ExpectedAudience = string | readonly string[] | false;

/**
 * Throws unless the token is a JWT for the audience: so that a token for somebody else is neither sent, where it does
 * not belong, nor refused with a message that does not say which audience it has.
 *
 * @throws `ERR_TOKEN_AUDIENCE` with what was expected and found; `ERR_TOKEN_MALFORMED` when it is no JWT
 */
export function expectAudience(token: string, audience: ExpectedAudience): void {
  if (audience === false) return;
  assertAudience(BoundToken.parse(token), [audience].flat());
}
