import { seededRandom } from '../../bench/simulation/random.js';

/** Choices of a seed. */
export class Random {
  readonly #next: () => number;

  constructor(seed: number) {
    this.#next = seededRandom(seed);
  }

  below(limit: number): number {
    return Math.floor(this.#next() * limit);
  }

  chance(probability: number): boolean {
    return this.#next() < probability;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  text(maxLength: number): string {
    return Array.from({ length: this.below(maxLength) }, () =>
      String.fromCodePoint(this.below(this.chance(0.9) ? 128 : 0xd7ff)),
    ).join('');
  }
}
