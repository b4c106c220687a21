import type { Difference } from '../differences.js';
import type { Scenario } from '../scenario.js';

/** A difference that is meant to be. docs/differential.md shows these, word for word. */
export interface IntendedDifference {
  /** Of which clients, as the documentation names them. */
  readonly clients: string;
  readonly what: string;
  readonly why: string;
  /** Whether a difference is this one. */
  covers(difference: Difference, scenario: Scenario, client: string): boolean;
}
