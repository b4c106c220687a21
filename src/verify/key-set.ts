import type { webcrypto } from 'node:crypto';
import { createLocalJWKSet } from 'jose/jwks/local';
import { isError } from '../internal/is-error.js';
import type { TokenHeader } from './parse-token.js';

/** A public key, ready for use. */
export type PublicKey = webcrypto.CryptoKey;

/** The keys of an issuer at one time (RFC 7517 section 5). */
export class KeySet {
  /** Equal for two sets of the same keys, whatever their order: an API server does not promise one. */
  readonly fingerprint: string;
  readonly #keyIds: ReadonlySet<unknown>;
  readonly #find: ReturnType<typeof createLocalJWKSet>;
  /** By algorithm and key id: the keys that were found. */
  readonly #found = new Map<string, Promise<readonly PublicKey[]>>();

  /**
   * @param document - what was published, of which nothing has been checked
   * @throws when it is no key set
   */
  constructor(document: Readonly<Record<string, unknown>>) {
    this.#find = createLocalJWKSet(document as never);
    const keys = document.keys as readonly Readonly<Record<string, unknown>>[];
    this.#keyIds = new Set(keys.map(({ kid }) => kid));
    this.fingerprint = JSON.stringify(keys.map((key) => JSON.stringify(key)).sort());
  }

  /** Returns whether a key has this id; of which kind it is may be another matter. */
  has(kid: string): boolean {
    return this.#keyIds.has(kid);
  }

  /**
   * Resolves with the keys that a token with this header can be signed with: one, rarely more, as nothing keeps a
   * publisher from giving one id to two keys; none when its id is unknown, or the key is of another kind.
   */
  keysFor({ alg, kid }: TokenHeader): Promise<readonly PublicKey[]> {
    // Only the ids of published keys are remembered: others come from anybody.
    if (!this.has(kid)) return Promise.resolve([]);
    const name = `${alg} ${kid}`;
    let keys = this.#found.get(name);
    if (keys === undefined) {
      keys = this.#import({ alg, kid });
      this.#found.set(name, keys);
    }
    return keys;
  }

  async #import(header: TokenHeader): Promise<readonly PublicKey[]> {
    try {
      return [await this.#find({ ...header })].filter(isLongEnough);
    } catch (error) {
      // jose gives the keys of an ambiguous id one by one, and leaves out those that it cannot use.
      if (!(isError(error) && Symbol.asyncIterator in error)) return [];
      const keys: PublicKey[] = [];
      for await (const key of error as unknown as AsyncIterable<PublicKey>) keys.push(key);
      return keys.filter(isLongEnough);
    }
  }
}

/** RFC 7518 sections 3.3 and 3.5: "A key of size 2048 bits or larger MUST be used with these algorithms." */
function isLongEnough({ algorithm }: PublicKey): boolean {
  return !('modulusLength' in algorithm) || Number(algorithm.modulusLength) >= 2048;
}
