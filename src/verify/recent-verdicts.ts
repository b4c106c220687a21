import type { Verdict } from './verdict.js';

/** Remembers the verdicts on the tokens that were seen last, as long as each holds. */
export class RecentVerdicts<V extends Verdict> {
  readonly #limit: number;
  /** By digest of the token, the one asked for last at the end: a Map keeps the order of insertion. */
  readonly #verdicts = new Map<string, V>();

  /** @param limit - how many verdicts are kept; the one that nobody asked for the longest is dropped first */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Returns the verdict on a token, or undefined when there is none that holds. */
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
