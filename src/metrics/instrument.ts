/** A present value, with the attributes that distinguish it within its instrument. */
export interface Measurement {
  readonly value: number;
  readonly attributes?: Readonly<Record<string, string>>;
}

/** One metric, for either library. */
export interface Instrument<T> {
  /** Name after `projected_token.` (OpenTelemetry) or `projected_token_` (Prometheus, with underscores for dots). */
  readonly name: string;
  readonly kind: 'counter' | 'gauge';
  /** UCUM unit, as OpenTelemetry requires; `{…}` for counts. */
  readonly unit: string;
  readonly description: string;
  /** Names of the attributes, or labels, of its measurements. */
  readonly attributes?: readonly string[];
  /** Returns the measurements; none while there is nothing to measure. */
  measure(observed: T, nowMs: number): readonly Measurement[];
}

/** Returns the seconds until a moment, or since it (`sign` -1); nothing if the moment is undefined. */
export function secondsUntil(date: Date | undefined, nowMs: number, sign = 1): readonly Measurement[] {
  return date === undefined ? [] : [{ value: (sign * (date.getTime() - nowMs)) / 1000 }];
}

/** Returns 1 for the present value, 0 for all others. */
export function oneOf<T extends string>(attribute: string, all: readonly T[], present: T): readonly Measurement[] {
  return all.map((each) => ({ value: each === present ? 1 : 0, attributes: { [attribute]: each } }));
}

/** Returns a measurement for each entry, with its name as the attribute. */
export function countsBy(attribute: string, counts: Readonly<Record<string, number>>): readonly Measurement[] {
  return Object.entries(counts).map(([name, value]) => ({ value, attributes: { [attribute]: name } }));
}
