import { urlUnder } from '../internal/url-under.js';
import { ConcurrencyLimit } from './concurrency-limit.js';
import type { IssuerClient } from './issuer-client.js';
import type { KeySet } from './key-set.js';
import type { ParsedToken } from './parse-token.js';
import type { PublishedKeys } from './published-keys.js';
import type { ResolvedIssuer } from './resolve-options.js';
import type { SignatureProof } from './signature-proof.js';
import type { TokenProof } from './token-proof.js';
import { readTokenReview, refusalOf, type TokenReviewStatus, tokenReview } from './token-review.js';
import { TokenVerificationError } from './token-verification-error.js';
import type { Verdict } from './verdict.js';
import type { IssuerRecord } from './verifier-record.js';

/** Cache time of an accepted token, as of the API server itself (kube-apiserver options, TokenSuccessCacheTTL). */
const ACCEPTED_FOR_MS = 10_000;
/** Cache time of a rejected token: longer than a client takes to retry, short enough for a new service account to work soon. */
const REFUSED_FOR_MS = 2_000;
/** Concurrent reviews: a small part of an API server's capacity (kube-apiserver, `--max-mutating-requests-inflight=200`). */
const MAX_REVIEWS = 16;
/** At 5 ms a review and 16 at once, these are done within a third of a second. */
const MAX_WAITING = 1_000;
/** Pause after a failed review, if tokens are accepted by their signature meanwhile (`fallbackMethod`). */
const OUTAGE_PAUSE_MS = 5_000;

/** The parts of a {@link ReviewProof}. */
export interface ReviewProofOptions {
  readonly client: IssuerClient;
  readonly keys: PublishedKeys;
  readonly signature: SignatureProof;
  readonly issuer: ResolvedIssuer;
  readonly record: IssuerRecord;
  readonly audiences: readonly string[];
  readonly timeoutMs: number;
}

/**
 * Proves a token genuine by a TokenReview of the API server, which also knows whether the pod and the service account still exist. A token
 * with a wrong signature is rejected without a review.
 */
export class ReviewProof implements TokenProof {
  readonly #options: ReviewProofOptions;
  readonly #url: URL;
  readonly #reviews: ConcurrencyLimit;
  #outage: { readonly error: OutageError; readonly untilMs: number } | undefined;

  constructor(options: ReviewProofOptions) {
    this.#options = options;
    this.#url = urlUnder(options.issuer.server, '/apis/authentication.k8s.io/v1/tokenreviews');
    this.#reviews = new ConcurrencyLimit({
      maxRunning: MAX_REVIEWS,
      maxWaiting: MAX_WAITING,
      timeoutMs: options.timeoutMs,
      toError: (why) =>
        new OutageError(
          unavailable(`No TokenReview was made: ${why}. Check the load and the latency of the API server.`),
        ),
    });
  }

  /** @throws `ERR_VERIFY_KEY`, `ERR_VERIFY_UNAVAILABLE` */
  async prove(parsed: ParsedToken): Promise<Verdict> {
    const bySignature = await this.#checkSignature(parsed);
    if (bySignature?.refusal !== undefined) return bySignature;
    const fallback = this.#options.issuer.fallbackMethod === 'key-set' ? bySignature : undefined;
    try {
      if (fallback !== undefined) this.#throwDuringOutage();
      const status = await this.#reviews.run(() => this.#options.record.during('review', () => this.#review(parsed)));
      const refusal = refusalOf(status, parsed, this.#options.audiences);
      const untilMs = performance.now() + (refusal === undefined ? ACCEPTED_FOR_MS : REFUSED_FOR_MS);
      return { refusal, holds: () => performance.now() < untilMs };
    } catch (error) {
      if (!(error instanceof OutageError)) throw error;
      if (fallback === undefined) throw error.forCaller;
      const untilMs = this.#noteOutage(error);
      return { holds: () => performance.now() < untilMs && fallback.holds() };
    }
  }

  /** Resolves with undefined if the keys cannot be fetched: the review decides anyway. */
  async #checkSignature(parsed: ParsedToken): Promise<Verdict | undefined> {
    const { keys, signature } = this.#options;
    let keySet: KeySet;
    try {
      keySet = await keys.lookUp(parsed.header.kid);
    } catch {
      return undefined;
    }
    // Not caught: with too many signatures to check, a review would only add load.
    return signature.proveWith(keySet, parsed);
  }

  async #review(parsed: ParsedToken): Promise<TokenReviewStatus> {
    const { client, audiences } = this.#options;
    const { status, text } = await client
      .request('POST', this.#url, tokenReview(parsed, audiences))
      .catch((error: TokenVerificationError) => {
        throw new OutageError(error);
      });
    if (status === 429 || status >= 500) {
      throw new OutageError(unavailable(`The API server answers ${status} to a TokenReview.`));
    }
    if (status !== 200 && status !== 201) {
      const fix =
        status === 401 || status === 403
          ? ' The token of the option "bearer" must be for the API server, and its service account needs the cluster role system:auth-delegator.'
          : '';
      throw unavailable(`The API server answers ${status} to a TokenReview.${fix}`);
    }
    const review = readTokenReview(text);
    if (review === undefined) {
      throw unavailable(
        'The answer of the API server to a TokenReview is not a TokenReview. Check that the option "apiServer" is its address, and any proxy in between.',
      );
    }
    return review;
  }

  #throwDuringOutage(): void {
    if (this.#outage !== undefined && performance.now() < this.#outage.untilMs) throw this.#outage.error;
  }

  /** Returns the end of the pause. */
  #noteOutage(error: OutageError): number {
    if (this.#outage?.error !== error) this.#outage = { error, untilMs: performance.now() + OUTAGE_PAUSE_MS };
    return this.#outage.untilMs;
  }
}

/** The API server cannot answer now: neither the token nor the configuration is wrong. */
class OutageError extends Error {
  constructor(readonly forCaller: TokenVerificationError) {
    super();
  }
}

function unavailable(message: string): TokenVerificationError {
  return new TokenVerificationError('ERR_VERIFY_UNAVAILABLE', message);
}
