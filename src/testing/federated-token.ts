import type { JSONWebKeySet, JWTPayload } from 'jose';
import { createLocalJWKSet } from 'jose/jwks/local';
import { compactVerify } from 'jose/jws/compact/verify';
import { decodeJwt } from 'jose/jwt/decode';
import type { JsonWebKeySet } from './token-issuer.js';

export { fingerprintOf } from '../token/fingerprint.js';

/** The issuer that a stand-in trusts, as its OIDC discovery would publish it; a `TokenIssuer` is one. */
export interface TrustedIssuer {
  /** Claim `iss` of its tokens. */
  readonly issuer: string;
  /** Its public keys; read at every exchange, so that keys can rotate. */
  readonly jwks: JsonWebKeySet;
}

/** One exchange at a stand-in. Holds no token. */
export interface ExchangeRecord {
  /** First 12 hexadecimal digits of the SHA-256 of the token, as `BoundToken.fingerprint`. */
  readonly fingerprint: string;
  /** `granted`, or the error code of the answer. */
  readonly outcome: string;
}

/** Why a cloud refuses a token, in the order in which it looks. */
export type FederatedTokenFault = 'malformed' | 'issuer' | 'signature' | 'audience' | 'expired';

/** A token that was checked, and what is wrong with it. */
export interface CheckedFederatedToken {
  readonly claims: JWTPayload;
  readonly fault?: FederatedTokenFault;
}

/** Checks a token as the clouds do: issuer, signature by the issuer's keys, audience, time. */
export async function checkFederatedToken(
  token: string,
  trust: TrustedIssuer,
  audiences: readonly string[],
): Promise<CheckedFederatedToken> {
  let claims: JWTPayload;
  try {
    claims = decodeJwt(token);
  } catch {
    return { claims: {}, fault: 'malformed' };
  }
  if (claims.iss !== trust.issuer) return { claims, fault: 'issuer' };
  try {
    await compactVerify(token, createLocalJWKSet(trust.jwks as unknown as JSONWebKeySet), {
      // What the API server signs with (kubernetes/kubernetes pkg/serviceaccount/jwt.go).
      algorithms: ['RS256', 'ES256', 'ES384', 'ES512'],
    });
  } catch {
    return { claims, fault: 'signature' };
  }
  const found = [claims.aud ?? []].flat();
  if (!audiences.some((audience) => found.includes(audience))) return { claims, fault: 'audience' };
  const seconds = Date.now() / 1000;
  if (claims.exp === undefined || claims.exp <= seconds) return { claims, fault: 'expired' };
  return { claims };
}
