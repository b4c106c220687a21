import type { webcrypto } from 'node:crypto';
import { createLocalJWKSet } from 'jose/jwks/local';
import { isError } from '../internal/is-error.js';
import type { TokenHeader } from './parse-token.js';

/** A public key, ready for use. */
export type PublicKey = webcrypto.CryptoKey;

/** One published version of an issuer's keys (RFC 7517 section 5). */
export class KeySet {
  /** Equal for two sets of the same keys in any order: an API server does not promise one. */
  readonly fingerprint: string;
  readonly #keyIds: ReadonlySet<unknown>;
  readonly #find: ReturnType<typeof createLocalJWKSet>;
  /** By algorithm and key id: the keys that were found. */
  readonly #found = new Map<string, Promise<readonly PublicKey[]>>();

  /**
   * @param document - the published document, unchecked
   * @throws if it is not a key set
   */
  constructor(document: Readonly<Record<string, unknown>>) {
    this.#find = createLocalJWKSet(document as never);
    const keys = document.keys as readonly Readonly<Record<string, unknown>>[];
    this.#keyIds = new Set(keys.map(({ kid }) => kid));
    this.fingerprint = JSON.stringify(keys.map((key) => JSON.stringify(key)).sort());
  }

  /** Returns whether a key of any kind has this id. */
  has(kid: string): boolean {
    return this.#keyIds.has(kid);
  }

  /**
   * Resolves with the keys that may have signed a token with this header: usually one, more if the issuer gave one id to several keys,
   * none if the id is unknown or its key is of another kind.
   */
  keysFor({ alg, kid }: TokenHeader): Promise<readonly PublicKey[]> {
    // Ids that are not published are not cached: anybody can make them up.
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
      // jose yields the usable keys of an ambiguous id one by one.
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
