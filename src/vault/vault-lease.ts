import { TokenExchangeError } from '../errors.js';
import type { Grant } from '../exchange/grant.js';
import { refreshAt } from '../exchange/refresh-at.js';
import type { VaultAnswer } from './vault-connection.js';

/** A Vault token and how long it lives. */
export interface VaultLease extends Grant {
  /** `auth.lease_duration`: from {@link Grant.obtainedAtMs} on; 0 for a token that never expires. */
  readonly leaseSeconds: number;
  /** Whether it is renewed rather than replaced: Vault allows it, and the maximum TTL is not near. */
  readonly isRenewable: boolean;
  /** Whether Vault can revoke it; false for a batch token, which Vault does not store. */
  readonly isRevocable: boolean;
  readonly policies: readonly string[];
  /** True for a renewal, false for a login. */
  readonly isRenewal: boolean;
  /** `auth.lease_duration` of the login. A renewal with less is near the maximum TTL. */
  readonly fullLeaseSeconds: number;
}

/** Share of the lease after which it is renewed. */
const REFRESH_SHARE = 2 / 3;

/** Longer leases are cut to this, as their end may not be a valid date; Vault's own default maximum is 32 days. */
const LONGEST_LEASE_MS = 10 * 365 * 24 * 60 * 60 * 1000;

/**
 * Reads the answer to a login or a renewal. Only `auth` counts: the lease at the top level is always 0 there.
 *
 * @param askedAtMs - when the request was sent; the lease began no earlier
 * @param renewed - the lease that was renewed
 * @throws `ERR_EXCHANGE_INVALID` if it is not an answer of Vault
 * @see https://developer.hashicorp.com/vault/api-docs/auth/kubernetes#login
 */
export function parseLease({ status, body }: VaultAnswer, askedAtMs: number, renewed?: VaultLease): VaultLease {
  const auth = (body.auth ?? {}) as Record<string, unknown>;
  const {
    client_token: token,
    lease_duration: leaseSeconds,
    renewable,
    token_type: type,
    policies,
    num_uses: uses,
  } = auth;
  if (typeof token !== 'string' || token === '' || typeof leaseSeconds !== 'number' || !(leaseSeconds >= 0)) {
    throw new TokenExchangeError(
      'ERR_EXCHANGE_INVALID',
      `The answer (status ${status}) holds no Vault token with a lease. Check that the option "address" is the address of Vault's API.`,
      { status },
    );
  }
  if (renewed === undefined && typeof uses === 'number' && uses > 0) {
    throw new TokenExchangeError(
      'ERR_EXCHANGE_INVALID',
      `The role issues tokens for ${uses} requests only (token_num_uses). Set it to 0; the TTL limits the token.`,
      { status },
    );
  }
  const fullLeaseSeconds = renewed?.fullLeaseSeconds ?? leaseSeconds;
  // In a renewal, 0 means an ended lease, not one without end.
  const lifeMs = fullLeaseSeconds === 0 ? Number.POSITIVE_INFINITY : Math.min(leaseSeconds * 1000, LONGEST_LEASE_MS);
  return {
    token,
    obtainedAtMs: askedAtMs,
    expiresAtMs: askedAtMs + lifeMs,
    refreshAtMs: refreshAt(askedAtMs, lifeMs, REFRESH_SHARE),
    leaseSeconds,
    isRenewable: renewable === true && leaseSeconds >= fullLeaseSeconds,
    isRevocable: type !== 'batch',
    policies: Array.isArray(policies) ? policies.filter((policy) => typeof policy === 'string') : [],
    isRenewal: renewed !== undefined,
    fullLeaseSeconds,
  };
}

/** Describes a Vault token, without the token. */
export interface VaultTokenInfo {
  /** Names of its policies. */
  readonly policies: readonly string[];
  /** When it was obtained or renewed. */
  readonly obtainedAt: Date;
  /** When it expires; undefined if it never does. */
  readonly expiresAt: Date | undefined;
  /** When the next renewal or login is due; undefined if it never expires. */
  readonly refreshAt: Date | undefined;
  /** Whether it will be renewed then; otherwise a login follows. */
  readonly isRenewable: boolean;
}

export function describeLease({
  policies,
  obtainedAtMs,
  expiresAtMs,
  refreshAtMs,
  isRenewable,
}: VaultLease): VaultTokenInfo {
  return {
    policies,
    obtainedAt: new Date(obtainedAtMs),
    expiresAt: dateOf(expiresAtMs),
    refreshAt: dateOf(refreshAtMs),
    isRenewable,
  };
}

function dateOf(ms: number): Date | undefined {
  return Number.isFinite(ms) ? new Date(ms) : undefined;
}
