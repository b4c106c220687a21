import { decodeJwt } from 'jose';
import type { TokenEndpointResponse } from 'oauth4webapi';
import { TokenExchangeError } from '../errors.js';
import type { Grant } from '../exchange/grant.js';
import { refreshAt } from '../exchange/refresh-at.js';

/** A token of an authorization server. */
export interface OAuthGrant extends Grant {
  readonly scopes: readonly string[];
  readonly issuedTokenType: string | undefined;
}

/** Describes a token of an authorization server, without the token. */
export interface OAuthTokenInfo {
  /** When it was asked for. */
  readonly obtainedAt: Date;
  /** When it is no longer handed out: before its expiry by 10 s, or by a tenth of its life if that is less. */
  readonly expiresAt: Date;
  /** When the next token will be requested. */
  readonly refreshAt: Date;
  /** Scopes in the server's answer; empty if it names none. */
  readonly scopes: readonly string[];
  /** Type of the token, if the server names it, as after a token exchange (RFC 8693 section 2.2.1). */
  readonly issuedTokenType: string | undefined;
}

/** Share of its life after which a token is replaced, as by the kubelet. */
const REFRESH_SHARE = 0.8;

/** A token is no longer handed out this close to its expiry, as a request takes time to arrive: at most, and as a share of a short life. */
const EXPIRY_MARGIN_MS = 10_000;
const EXPIRY_MARGIN_SHARE = 0.1;

/** A longer life is a mistake of the server, and its end may not be a valid date. */
const LONGEST_LIFE_MS = 10 * 365 * 24 * 60 * 60 * 1000;

/**
 * Reads an answer with a token.
 *
 * @param askedAtMs - when the request was sent; the token's life began no earlier
 * @throws `ERR_EXCHANGE_INVALID` for a token that cannot be sent as `Authorization: Bearer`
 */
export function grantOf(answer: TokenEndpointResponse, askedAtMs: number, defaultLifetimeSeconds: number): OAuthGrant {
  const { access_token: token, token_type: tokenType, scope = '', issued_token_type: issuedTokenType } = answer;
  if (tokenType === 'dpop') {
    throw new TokenExchangeError(
      'ERR_EXCHANGE_INVALID',
      'The authorization server issued a token that is bound to a key (token_type DPoP), which cannot be sent as a bearer token. Configure it to issue bearer tokens to this client.',
      { status: 200 },
    );
  }
  const lifeMs = Math.min(lifeOf(answer, askedAtMs) ?? defaultLifetimeSeconds * 1000, LONGEST_LIFE_MS);
  const marginMs = Math.min(EXPIRY_MARGIN_MS, Math.max(0, lifeMs) * EXPIRY_MARGIN_SHARE);
  return {
    token,
    obtainedAtMs: askedAtMs,
    expiresAtMs: Math.floor(askedAtMs + lifeMs - marginMs),
    refreshAtMs: refreshAt(askedAtMs, lifeMs, REFRESH_SHARE),
    scopes: scope.split(' ').filter((name) => name !== ''),
    issuedTokenType: typeof issuedTokenType === 'string' ? issuedTokenType : undefined,
  };
}

export function describeGrant(grant: OAuthGrant): OAuthTokenInfo {
  const { obtainedAtMs, expiresAtMs, refreshAtMs, scopes, issuedTokenType } = grant;
  return {
    obtainedAt: new Date(obtainedAtMs),
    expiresAt: new Date(expiresAtMs),
    refreshAt: new Date(refreshAtMs),
    scopes,
    issuedTokenType,
  };
}

/** Returns the life of a token in milliseconds, by the server (RFC 6749 section 5.1 only recommends `expires_in`) or the token itself. */
function lifeOf({ expires_in: seconds, access_token: token }: TokenEndpointResponse, askedAtMs: number) {
  if (seconds !== undefined) return seconds * 1000;
  try {
    const { exp } = decodeJwt(token);
    return exp === undefined ? undefined : exp * 1000 - askedAtMs;
  } catch {
    return undefined;
  }
}
