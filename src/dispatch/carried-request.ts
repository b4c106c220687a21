import type { Dispatcher } from 'undici';
import type { TokenCarriage, TokenJourney } from '../carry/token-carriage.js';
import type { KeptBody } from './kept-body.js';

/** A request that carries the token, and its surroundings. */
export interface CarriedRequest {
  readonly carriage: TokenCarriage;
  readonly journey: TokenJourney;
  /** Headers are such as can be read more than once. */
  readonly options: Dispatcher.DispatchOptions;
  /** What is kept of a body that can be read only once; without it, the body in the options decides. */
  readonly body?: KeptBody | undefined;
  /** Has those requests that wait for a token, or may yet be sent once more. */
  readonly unsettled?: { add(request: UnsettledRequest): void; delete(request: UnsettledRequest): void } | undefined;
  readonly errors: DispatchErrors;
}

/** One that waits for a token, or may yet be sent once more. */
export interface UnsettledRequest {
  /** Ends a wait for a token, as the dispatcher is destroyed. */
  endWait(error: Error): void;
}

/** The errors of the client for what it does not see itself. */
export interface DispatchErrors {
  /** For an abort without a reason. */
  aborted(): Error;
  /** For the time limit `headersTimeout`. */
  timedOut(): Error;
  /** For the option `maxRedirections`: beneath this dispatcher nobody may take the token along to another origin. */
  redirecting(): Error;
}
