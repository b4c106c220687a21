import type fc from 'fast-check';
import type { Scenario } from './scenario.js';
import type { Scene } from './scene.js';

/** A client, or a library stacked on one, that is run bare and wrapped. */
export interface Subject<Options = unknown> {
  readonly name: string;
  /** Scenarios that this client can be asked for. */
  readonly scenarios: fc.Arbitrary<Scenario<Options>>;
  /** Whether the body of the scenario lies in memory, so that the wrapped client sends it again after a refusal. */
  canSendAgain(scenario: Scenario<Options>): boolean;
  /** Whether the program sets the header itself that carries the token. By default as the headers of the scenario say. */
  hasOwnHeader?(scenario: Scenario<Options>): boolean;
  /** An origin that is not listed can lead to a listed one, which gets the token: a hop does not know of the one before. */
  readonly forgetsHops?: boolean;
  /** Is the program: makes the client, wraps it by `scene.wrap`, sends, and tells the scene what it sees. */
  exercise(scenario: Scenario<Options>, scene: Scene): Promise<void>;
}
