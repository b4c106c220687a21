import type { BoundTokenClaims } from './claims.js';

/** The kubelet replaces a token at 80 % of its lifetime (kubelet token_manager.go, requiresRefresh). */
const REFRESH_FRACTION = 0.8;

/** … and at this age at the latest (kubelet token_manager.go, maxTTL). */
const MAX_AGE_SECONDS = 24 * 60 * 60;

/**
 * How long after the refresh time a rotation may still be on its way: a kubelet syncs a pod every 60 to 90 s
 * (syncFrequency 1m, times 1 to 1.5) and writes within its next loops; a second attempt needs as long again, but
 * warning then would come too late for short tokens.
 */
const ROTATION_GRACE_SECONDS = 100;

/**
 * The end of the life that rotation is planned for. An extended token (API server flag
 * `--service-account-extend-token-expiration`) says `exp` a year away, but is still replaced by `warnafter`.
 */
export function effectiveExpirySeconds(claims: BoundTokenClaims): number | undefined {
  const warnAfter = claims['kubernetes.io']?.warnafter;
  if (claims.exp === undefined) return warnAfter;
  return warnAfter === undefined ? claims.exp : Math.min(claims.exp, warnAfter);
}

/** When the kubelet starts to replace the token; undefined when the claims do not tell its lifetime. */
export function refreshAtSeconds(claims: BoundTokenClaims): number | undefined {
  const start = claims.iat ?? claims.nbf;
  const end = effectiveExpirySeconds(claims);
  if (start === undefined || end === undefined || end <= start) return undefined;
  return start + Math.min((end - start) * REFRESH_FRACTION, MAX_AGE_SECONDS);
}

/** From when on an unchanged file means that rotation is late: with three quarters of the remaining life gone at the latest. */
export function overdueAtSeconds(claims: BoundTokenClaims): number | undefined {
  const refreshAt = refreshAtSeconds(claims);
  if (refreshAt === undefined) return undefined;
  const end = effectiveExpirySeconds(claims)!;
  return refreshAt + Math.min(ROTATION_GRACE_SECONDS, (end - refreshAt) * 0.75);
}
