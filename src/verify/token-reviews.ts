import { createHash } from 'node:crypto';
import { urlUnder } from '../internal/url-under.js';
import type { BoundToken } from '../token/bound-token.js';
import type { IssuerClient } from './issuer-client.js';
import type { ParsedToken } from './parse-token.js';
import type { TokenProof } from './token-proof.js';
import { TokenVerificationError } from './token-verification-error.js';
import type { ResolvedOptions } from './token-verifier-options.js';

/** How long a good answer is kept: as long as the API server itself keeps one (kube-apiserver options, TokenSuccessCacheTTL). Bad ones are not kept. */
const CACHE_MS = 10_000;
/** Tokens whose answer is kept; those asked about first go first. */
const CACHE_SIZE = 10_000;

interface ReviewStatus {
  readonly authenticated?: boolean;
  readonly audiences?: readonly string[];
  readonly user?: { readonly username?: string };
  readonly error?: string;
}

/**
 * Proves a token genuine by asking the API server (TokenReview of authentication.k8s.io/v1), which also knows whether
 * the pod and the service account are still there.
 */
export class TokenReviews implements TokenProof {
  readonly #client: IssuerClient;
  readonly #url: URL;
  readonly #audiences: readonly string[];
  /** By SHA-256 of the token: until when a good answer holds. */
  readonly #goodUntilMs = new Map<string, number>();
  readonly #underWay = new Map<string, Promise<void>>();

  constructor(client: IssuerClient, { server, audiences }: ResolvedOptions) {
    this.#client = client;
    this.#url = urlUnder(server, '/apis/authentication.k8s.io/v1/tokenreviews');
    this.#audiences = audiences;
  }

  /** @throws `ERR_VERIFY_REVOKED`, `ERR_VERIFY_UNAVAILABLE` */
  async prove({ token }: ParsedToken): Promise<void> {
    const key = createHash('sha256').update(token.value).digest('base64');
    if (Date.now() < (this.#goodUntilMs.get(key) ?? 0)) return;
    let review = this.#underWay.get(key);
    if (review === undefined) {
      review = this.#review(token)
        .then(() => this.#remember(key))
        .finally(() => this.#underWay.delete(key));
      this.#underWay.set(key, review);
    }
    await review;
  }

  async #review(token: BoundToken): Promise<void> {
    const status = await this.#ask(token);
    if (status.authenticated !== true) {
      const why = typeof status.error === 'string' ? `: ${quote(status.error.replaceAll(token.value, '…'))}` : '';
      throw new TokenVerificationError(
        'ERR_VERIFY_REVOKED',
        `The API server does not accept the token${why}. Its pod or service account may be gone.`,
      );
    }
    // An API server, or a webhook behind it, that knows no audiences would accept a token for anybody (TokenReviewStatus, types.go).
    if (!status.audiences?.some((audience) => this.#audiences.includes(audience))) {
      throw new TokenVerificationError(
        'ERR_VERIFY_AUDIENCE',
        `The API server does not confirm that the token is for ${this.#audiences.map(quote).join(', ')}.`,
        { claim: 'aud' },
      );
    }
    if (status.user?.username !== token.subject) {
      throw new TokenVerificationError(
        'ERR_VERIFY_CLAIM',
        'The API server says that the token is of another subject.',
        {
          claim: 'sub',
        },
      );
    }
  }

  async #ask(token: BoundToken): Promise<ReviewStatus> {
    const { status, text } = await this.#client.request('POST', this.#url, {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      spec: { token: token.value, audiences: this.#audiences },
    });
    if (status !== 200 && status !== 201) {
      const cure =
        status === 401 || status === 403
          ? ' The token of the option "bearer" must be for the API server, and its service account needs the cluster role system:auth-delegator.'
          : '';
      throw unavailable(`The API server answers ${status} to a TokenReview.${cure}`);
    }
    let review: { status?: ReviewStatus } | null;
    try {
      review = JSON.parse(text);
    } catch {
      // No cause is kept: the message of a parser may quote the body, which has the token in it.
      throw unavailable('The answer of the API server to a TokenReview is no JSON.');
    }
    return review?.status ?? {};
  }

  #remember(key: string): void {
    // A Map keeps the order of insertion.
    this.#goodUntilMs.delete(key);
    this.#goodUntilMs.set(key, Date.now() + CACHE_MS);
    if (this.#goodUntilMs.size > CACHE_SIZE) this.#goodUntilMs.delete(this.#goodUntilMs.keys().next().value!);
  }
}

function unavailable(message: string): TokenVerificationError {
  return new TokenVerificationError('ERR_VERIFY_UNAVAILABLE', message);
}

function quote(text: string): string {
  return JSON.stringify(text.slice(0, 300));
}
