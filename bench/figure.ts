/** One line of the table: what was measured, beside what. All lines of a group come from one run. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** Relative to the line of the group that is the floor. */
  readonly ratio?: number;
  /** What was aimed at, and whether it was reached. */
  readonly aim?: { readonly text: string; readonly isMet: boolean };
}

/** Lines that belong together. */
export interface FigureGroup {
  readonly title: string;
  /** How it was measured. */
  readonly method: string;
  readonly figures: readonly Figure[];
}

/** Smallest value with at least the share of the values at or below it (nearest rank). */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
