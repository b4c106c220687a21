import { CoalescedRuns } from '../internal/coalesced-runs.js';
import type { KeyDiscovery } from './key-discovery.js';
import type { KeySet } from './key-set.js';
import { TokenBucket } from './token-bucket.js';
import type { IssuerRecord } from './verifier-record.js';

/** Older keys stay in use, and are fetched again in the background. The default of jose's `createRemoteJWKSet`. */
const REFRESH_AFTER_MS = 10 * 60_000;
/**
 * Older keys are no longer used: the cache time of an API server (`Cache-Control: max-age=3600`, kubernetes/kubernetes
 * pkg/routes/openidmetadata.go).
 */
const USABLE_FOR_MS = 60 * 60_000;
/** Pause after a failed fetch. */
const FAILURE_PAUSE_MS = 5_000;
/**
 * An unknown key id causes a fetch at once, but anybody can make one up. So there are five fetches in a row at most, more than a control
 * plane has servers to rotate one after the other, and then one every 10 s.
 */
const UNKNOWN_KEY_FETCHES = 5;
const UNKNOWN_KEY_REFILL_MS = 10_000;

/** Keeps the keys that one issuer publishes, and decides when they are fetched again. */
export class PublishedKeys {
  readonly #discovery: KeyDiscovery;
  readonly #record: IssuerRecord;
  readonly #fetches = new CoalescedRuns<'age' | 'unknown key'>((reason) => this.#fetch(reason));
  readonly #unknownKeyFetches = new TokenBucket(UNKNOWN_KEY_FETCHES, UNKNOWN_KEY_REFILL_MS);
  #keySet: KeySet | undefined;
  #fetchedAtMs = Number.NEGATIVE_INFINITY;
  #failure: { readonly error: Error; readonly pausedUntilMs: number } | undefined;

  constructor(discovery: KeyDiscovery, record: IssuerRecord) {
    this.#discovery = discovery;
    this.#record = record;
  }

  /**
   * The keys in use, undefined while there are none. The object stays the same until other keys are published, so that proofs made with it
   * hold. Reading it starts a refresh in the background if they are old.
   */
  get current(): KeySet | undefined {
    if (this.#keySet === undefined) return undefined;
    const ageMs = performance.now() - this.#fetchedAtMs;
    if (ageMs > REFRESH_AFTER_MS && this.#fetches.underWay === undefined && !this.#isPaused) {
      void this.#fetches.run('age');
    }
    return ageMs > USABLE_FOR_MS ? undefined : this.#keySet;
  }

  /**
   * Resolves with the keys in use; fetches them first if none has this id.
   *
   * @throws `ERR_VERIFY_UNAVAILABLE` if there are no keys, or the id is unknown and the fetch failed
   */
  async lookUp(kid: string): Promise<KeySet> {
    if (this.current === undefined) await (this.#fetches.underWay ?? this.#fetches.run('age'));
    // A fetch that is under way may have seen the keys as they were before: one that begins now is waited for.
    if (this.current?.has(kid) === false) await this.#fetches.run('unknown key');
    const keySet = this.current;
    if (this.#failure !== undefined && !keySet?.has(kid)) throw this.#failure.error;
    return keySet!;
  }

  get #isPaused(): boolean {
    return this.#failure !== undefined && performance.now() < this.#failure.pausedUntilMs;
  }

  async #fetch(reason: 'age' | 'unknown key'): Promise<void> {
    if (this.#isPaused) return;
    if (reason === 'unknown key' && !this.#unknownKeyFetches.take()) return;
    const startedAtMs = performance.now();
    try {
      const keySet = await this.#record.during('key-fetch', () => this.#discovery.fetchKeys());
      if (keySet.fingerprint !== this.#keySet?.fingerprint) this.#keySet = keySet;
      this.#fetchedAtMs = startedAtMs;
      this.#failure = undefined;
    } catch (error) {
      this.#failure = { error: error as Error, pausedUntilMs: performance.now() + FAILURE_PAUSE_MS };
    }
  }
}
