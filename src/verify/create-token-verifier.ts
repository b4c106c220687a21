import { deepFreeze } from '../internal/deep-freeze.js';
import type { BoundTokenClaims } from '../token/claims.js';
import { assertClaims } from './assert-claims.js';
import { assertTokenText, type ParsedToken, parseToken } from './parse-token.js';
import { RecentVerdicts } from './recent-verdicts.js';
import { resolveOptions } from './resolve-options.js';
import { tokenDigest } from './token-digest.js';
import { statedIdentity, type TokenIdentity } from './token-identity.js';
import type { MultiIssuerTokenVerifierOptions, TokenVerifierOptions } from './token-verifier-options.js';
import { type TrustedIssuer, TrustedIssuers } from './trusted-issuers.js';
import type { Verdict } from './verdict.js';
import type { VerifierFigures } from './verifier-figures.js';
import { VerifierRecord } from './verifier-record.js';

/** Tokens that are remembered as genuine, with their claims: some 20 MB at most. */
const MAX_ACCEPTED = 10_000;
/** Tokens that are remembered as refused: enough for clients that try the same one again and again. */
const MAX_REFUSED = 1_000;

/** A token that was found genuine, without the token itself. */
interface VerifiedToken extends Verdict {
  readonly claims: BoundTokenClaims;
  readonly issuer: TrustedIssuer;
}

/** Verifies the tokens that a service receives. */
export interface TokenVerifier {
  /**
   * Resolves with the sender of a token, once it is proved genuine, in its time, and for this service.
   *
   * A token that was found genuine before is known by its SHA-256, until the issuer publishes other keys (method
   * `key-set`) or for 10 s (`token-review`); its claims and its time are looked at every time.
   *
   * @param token - what followed `Bearer ` in the request
   * @throws `TokenVerificationError`, whose `code` says why; its message holds no bytes of the token
   */
  verify(token: string): Promise<TokenIdentity>;

  /** What was counted so far, for metrics (`projected-token/metrics`): a plain object without secrets. */
  readonly figures: VerifierFigures;
}

/**
 * Makes a verifier of bound service account tokens, for the service that receives them. It connects to nothing until the
 * first token comes, and there is nothing to close.
 *
 * What is cheap comes first: form, header, issuer, audience and time are looked at before the keys are used or the API
 * server is asked, and the allow-lists after that, so that only genuine tokens get to know about them.
 *
 * Nothing waits for ever: what is asked of an issuer or an API server has the time limit `timeoutMs`, a token waits for
 * a few such answers at most, and then fails with `ERR_VERIFY_UNAVAILABLE`.
 *
 * @throws `ERR_TOKEN_OPTION` for options that cannot work
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
  // Apart from the accepted, which forged tokens must not drive out.
  const refused = new RecentVerdicts<Verdict>(MAX_REFUSED);
  const underWay = new Map<string, Promise<VerifiedToken>>();

  async function prove(parsed: ParsedToken): Promise<VerifiedToken> {
    const { claims, digest } = parsed;
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
      proof = prove(parseToken(token, algorithms, digest)).finally(() => underWay.delete(digest));
      underWay.set(digest, proof);
    }
    return proof;
  }

  async function verify(token: string): Promise<TokenIdentity> {
    assertTokenText(token);
    const digest = tokenDigest(token);
    const { claims, issuer } = accepted.find(digest) ?? (await proveOnce(token, digest));
    // What was proved is the signature. Time passes, and it passed while the proof was made.
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
