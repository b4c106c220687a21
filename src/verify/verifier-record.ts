import { channel } from 'node:diagnostics_channel';
import type { TokenVerificationErrorCode } from '../errors.js';
import { isError } from '../internal/is-error.js';
import type { TokenIdentity } from './token-identity.js';
import type { IssuerFigures, VerificationOutcome, VerifierFigures } from './verifier-figures.js';

/**
 * Message on the diagnostics channels `projected-token:verifier:<event>` of every verifier, for tracers. Events: `accepted` and
 * `rejected`, a verification ended; `review` and `key-fetch`, a request to an issuer or its API server ended. No message holds bytes of a
 * token.
 *
 * @example
 * ```ts
 * import { subscribe } from 'node:diagnostics_channel';
 * subscribe('projected-token:verifier:rejected', (message) => {
 *   const { error } = message as VerifierDiagnosticsMessage;
 *   log.info({ error });
 * });
 * ```
 */
export interface VerifierDiagnosticsMessage {
  readonly audiences: readonly string[];
  /** With `accepted`: the sender. */
  readonly identity?: TokenIdentity;
  /** With `review` and `key-fetch`: the issuer. */
  readonly issuer?: string;
  /** With `rejected`, and with a failed `review` or `key-fetch`: the error. */
  readonly error?: Error;
}

const channels = {
  accepted: channel('projected-token:verifier:accepted'),
  rejected: channel('projected-token:verifier:rejected'),
  review: channel('projected-token:verifier:review'),
  'key-fetch': channel('projected-token:verifier:key-fetch'),
};

/** Counters start at 0, so that the first rejection shows as an increase. */
const NO_VERIFICATIONS: Readonly<Record<VerificationOutcome, number>> = {
  accepted: 0,
  ERR_VERIFY_MALFORMED: 0,
  ERR_VERIFY_HEADER: 0,
  ERR_VERIFY_ALGORITHM: 0,
  ERR_VERIFY_ISSUER: 0,
  ERR_VERIFY_AUDIENCE: 0,
  ERR_VERIFY_EXPIRED: 0,
  ERR_VERIFY_NOT_YET_VALID: 0,
  ERR_VERIFY_CLAIM: 0,
  ERR_VERIFY_KEY: 0,
  ERR_VERIFY_SIGNATURE: 0,
  ERR_VERIFY_REVOKED: 0,
  ERR_VERIFY_FORBIDDEN: 0,
  ERR_VERIFY_UNAVAILABLE: 0,
};

/** Counts and publishes what a verifier does. */
export class VerifierRecord {
  readonly #audiences: readonly string[];
  readonly #verifications = { ...NO_VERIFICATIONS };
  readonly #issuers: IssuerRecord[] = [];

  constructor(audiences: readonly string[]) {
    this.#audiences = audiences;
  }

  /** A copy of the counters. */
  get figures(): VerifierFigures {
    return {
      audiences: this.#audiences,
      verifications: { ...this.#verifications },
      issuers: this.#issuers.map(({ figures }) => figures),
    };
  }

  /** Returns the record of one more issuer. */
  issuer(issuer: string): IssuerRecord {
    const record = new IssuerRecord(issuer, this.#audiences);
    this.#issuers.push(record);
    return record;
  }

  accepted(identity: TokenIdentity): void {
    this.#verifications.accepted++;
    if (channels.accepted.hasSubscribers) channels.accepted.publish({ audiences: this.#audiences, identity });
  }

  rejected(error: unknown): void {
    const code = isError(error) ? (error as { code?: TokenVerificationErrorCode }).code : undefined;
    if (code !== undefined && code in this.#verifications) this.#verifications[code]++;
    if (channels.rejected.hasSubscribers) channels.rejected.publish({ audiences: this.#audiences, error });
  }
}

/** Counts and publishes requests to one issuer or its API server. */
export class IssuerRecord {
  readonly #issuer: string;
  readonly #audiences: readonly string[];
  readonly #counts = {
    review: { answered: 0, failed: 0 },
    'key-fetch': { answered: 0, failed: 0 },
  };

  constructor(issuer: string, audiences: readonly string[]) {
    this.#issuer = issuer;
    this.#audiences = audiences;
  }

  /** A copy of the counters. */
  get figures(): IssuerFigures {
    const { review, 'key-fetch': keyFetch } = this.#counts;
    return { issuer: this.#issuer, reviews: { ...review }, keyFetches: { ...keyFetch } };
  }

  /** Settles as the work does, and counts the outcome. */
  async during<T>(what: 'review' | 'key-fetch', work: () => Promise<T>): Promise<T> {
    const message = { audiences: this.#audiences, issuer: this.#issuer };
    try {
      const result = await work();
      this.#counts[what].answered++;
      if (channels[what].hasSubscribers) channels[what].publish(message);
      return result;
    } catch (error) {
      this.#counts[what].failed++;
      if (channels[what].hasSubscribers) channels[what].publish({ ...message, error });
      throw error;
    }
  }
}
