import type { Verdict } from './verdict.js';

/** A least-recently-used cache of verdicts, each for as long as it holds. */
export class RecentVerdicts<V extends Verdict> {
  readonly #limit: number;
  /** By digest of the token, the last used at the end: a Map keeps the order of insertion. */
  readonly #verdicts = new Map<string, V>();

  /** @param limit - number of verdicts kept; the least recently used is evicted first */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Returns the verdict on a token, or undefined if there is none that holds. */
  find(digest: string): V | undefined {
    const verdict = this.#verdicts.get(digest);
    if (verdict === undefined) return undefined;
    this.#verdicts.delete(digest);
    if (!verdict.holds()) return undefined;
    this.#verdicts.set(digest, verdict);
    return verdict;
  }

  remember(digest: string, verdict: V): void {
    this.#verdicts.delete(digest);
    this.#verdicts.set(digest, verdict);
    if (this.#verdicts.size > this.#limit) this.#verdicts.delete(this.#verdicts.keys().next().value!);
  }
}
