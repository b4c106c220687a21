/** A value at this moment, with the attributes that tell it from others of the same instrument. */
export interface Measurement {
  readonly value: number;
  readonly attributes?: Readonly<Record<string, string>>;
}

/** One figure of what is observed, whatever library exports it. */
export interface Instrument<T> {
  /** What follows `projected_token.` (OpenTelemetry) or `projected_token_` (Prometheus, dots as underscores). */
  readonly name: string;
  readonly kind: 'counter' | 'gauge';
  /** Unit in UCUM, as OpenTelemetry asks for; `{…}` counts things. */
  readonly unit: string;
  readonly description: string;
  /** Names of the attributes, or labels, of its measurements. */
  readonly attributes?: readonly string[];
  /** Its measurements; none while there is nothing to measure. */
  measure(observed: T, nowMs: number): readonly Measurement[];
}

/** The time until a moment, or since it (`sign` -1), in seconds; nothing while there is no such moment. */
export function secondsUntil(date: Date | undefined, nowMs: number, sign = 1): readonly Measurement[] {
  return date === undefined ? [] : [{ value: (sign * (date.getTime() - nowMs)) / 1000 }];
}

/** 1 for the value that is present, 0 for all others. */
export function oneOf<T extends string>(attribute: string, all: readonly T[], present: T): readonly Measurement[] {
  return all.map((each) => ({ value: each === present ? 1 : 0, attributes: { [attribute]: each } }));
}

/** A measurement for each entry, with its name as the attribute. */
export function countsBy(attribute: string, counts: Readonly<Record<string, number>>): readonly Measurement[] {
  return Object.entries(counts).map(([name, value]) => ({ value, attributes: { [attribute]: name } }));
}
