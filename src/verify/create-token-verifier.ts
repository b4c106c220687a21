import { deepFreeze } from '../internal/deep-freeze.js';
import type { BoundTokenClaims } from '../token/claims.js';
import { assertClaims } from './assert-claims.js';
import { assertTokenText, parseToken } from './parse-token.js';
import { RecentVerdicts } from './recent-verdicts.js';
import { resolveOptions } from './resolve-options.js';
import { tokenDigest } from './token-digest.js';
import { statedIdentity, type TokenIdentity } from './token-identity.js';
import { TokenVerificationError } from './token-verification-error.js';
import type { MultiIssuerTokenVerifierOptions, TokenVerifierOptions } from './token-verifier-options.js';
import { type TrustedIssuer, TrustedIssuers } from './trusted-issuers.js';
import type { Verdict } from './verdict.js';
import type { VerifierFigures } from './verifier-figures.js';
import { VerifierRecord } from './verifier-record.js';
import { WorkPerTurn } from './work-per-turn.js';

/** Size of the cache of genuine tokens, with their claims: some 20 MB at most. */
const MAX_ACCEPTED = 10_000;
/** Size of the cache of rejected tokens, for clients that send the same one repeatedly. */
const MAX_REFUSED = 1_000;

/**
 * New tokens whose reading begins in one turn of the event loop, in all verifiers of the process: each takes some 50 µs. A
 * flood of forged ones then holds a known token up for a fifth of a millisecond, and goes on in the next turn.
 */
const newTokens = new WorkPerTurn({
  maxBegun: 4,
  maxWaiting: 5_000,
  timeoutMs: 5_000,
  toError: (why) =>
    new TokenVerificationError(
      'ERR_VERIFY_UNAVAILABLE',
      `The token was not looked at: ${why}. More new tokens come in than this process can check.`,
    ),
});

/** A token that was found genuine, without the token itself. */
interface VerifiedToken extends Verdict {
  readonly claims: BoundTokenClaims;
  readonly issuer: TrustedIssuer;
}

/** Verifies the tokens that a service receives. */
export interface TokenVerifier {
  /**
   * Resolves with the sender of a token that is genuine, not expired, and for this service.
   *
   * A genuine token is cached by its SHA-256 until the issuer publishes other keys (method `key-set`) or for 10 s (`token-review`); its
   * claims and expiry are checked on every call.
   *
   * @param token - the text after `Bearer ` in the request
   * @throws `TokenVerificationError` with the reason as its `code`; its message holds no bytes of the token
   */
  verify(token: string): Promise<TokenIdentity>;

  /** Counters for metrics (`projected-token/metrics`): a plain object without secrets. */
  readonly figures: VerifierFigures;
}

/**
 * Returns a verifier of bound service account tokens, for the service that receives them. It connects to the issuer at the first token,
 * and need not be closed.
 *
 * Cheap checks come first: form, header, issuer, audience and time before the keys or the API server. The allow-lists come last, so that
 * only the sender of a genuine token learns about them.
 *
 * Each request to an issuer or API server has the time limit `timeoutMs`. A token waits for a few such answers at most, then `verify`
 * rejects with `ERR_VERIFY_UNAVAILABLE`.
 *
 * @throws `ERR_TOKEN_OPTION` for invalid options
 *
 * @example
 * ```ts
 * const verifier = createTokenVerifier({
 *   issuer: 'https://kubernetes.default.svc.cluster.local',
 *   audience: 'billing',
 *   apiServer: 'https://kubernetes.default.svc',
 *   ca: '/var/run/secrets/kubernetes.io/serviceaccount/ca.crt',
 *   bearer: await ProjectedTokenProvider.open({ path: '/var/run/secrets/kubernetes.io/serviceaccount/token' }),
 *   serviceAccounts: ['shop/checkout'],
 * });
 * const { namespace, serviceAccount, pod } = await verifier.verify(token);
 * ```
 */
export function createTokenVerifier(options: TokenVerifierOptions | MultiIssuerTokenVerifierOptions): TokenVerifier {
  const resolved = resolveOptions(options);
  const { audiences, algorithms } = resolved;
  const record = new VerifierRecord(audiences);
  const issuers = new TrustedIssuers(resolved, record);
  const accepted = new RecentVerdicts<VerifiedToken>(MAX_ACCEPTED);
  // A cache of its own: forged tokens must not evict the accepted ones.
  const refused = new RecentVerdicts<Verdict>(MAX_REFUSED);
  const underWay = new Map<string, Promise<VerifiedToken>>();

  async function prove(token: string, digest: string): Promise<VerifiedToken> {
    const parsed = parseToken(token, algorithms, digest);
    const { claims } = parsed;
    const issuer = issuers.issuerOf(claims);
    assertClaims(claims, resolved, Date.now());
    statedIdentity(claims, digest, audiences);
    const verdict = await issuer.proof.prove(parsed);
    if (verdict.refusal !== undefined) {
      refused.remember(digest, verdict);
      throw verdict.refusal;
    }
    const verified = { claims: deepFreeze(claims), issuer, holds: verdict.holds };
    accepted.remember(digest, verified);
    return verified;
  }

  function proveOnce(token: string, digest: string): Promise<VerifiedToken> {
    const refusal = refused.find(digest)?.refusal;
    if (refusal !== undefined) throw refusal;
    let proof = underWay.get(digest);
    if (proof === undefined) {
      proof = newTokens.run(() => prove(token, digest)).finally(() => underWay.delete(digest));
      underWay.set(digest, proof);
    }
    return proof;
  }

  async function verify(token: string): Promise<TokenIdentity> {
    assertTokenText(token);
    const digest = tokenDigest(token);
    const { claims, issuer } = accepted.find(digest) ?? (await proveOnce(token, digest));
    // Again: the token may have expired while its signature was checked.
    assertClaims(claims, resolved, Date.now());
    const identity = statedIdentity(claims, digest, audiences);
    issuer.assertAllowed(identity);
    return identity;
  }

  return {
    async verify(token) {
      try {
        const identity = await verify(token);
        record.accepted(identity);
        return identity;
      } catch (error) {
        record.rejected(error);
        throw error;
      }
    },
    get figures() {
      return record.figures;
    },
  };
}
