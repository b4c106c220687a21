import type { Dispatcher } from 'undici';
import type { TokenCarriage, TokenJourney } from '../carry/token-carriage.js';
import { withHeader } from './dispatch-headers.js';
import type { KeptBody } from './kept-body.js';

/** A request that carries the token, and its surroundings. */
export interface CarriedRequest {
  readonly carriage: TokenCarriage;
  readonly journey: TokenJourney;
  /** Headers are such as can be read more than once. */
  readonly options: Dispatcher.DispatchOptions;
  /** What is kept of a body that can be read only once; without it, the body in the options decides. */
  readonly body?: KeptBody | undefined;
  readonly unsettled?: Unsettled | undefined;
  readonly errors: DispatchErrors;
}

/**
 * Returns the options to send a request with.
 *
 * @param value - of the header with the token
 */
export function carryingOptions(
  { options, carriage, body }: CarriedRequest,
  value: string,
): Dispatcher.DispatchOptions {
  // Assigned, not spread, which on Node 20 takes several times as long.
  const sent: Dispatcher.DispatchOptions & { maxRedirections?: number } = Object.assign({}, options);
  sent.headers = withHeader(options.headers, carriage.header, value);
  // Turns off a redirect interceptor beneath.
  sent.maxRedirections = 0;
  if (body !== undefined) sent.body = body.read() as unknown as NonNullable<typeof sent.body>;
  return sent;
}

/** Counts the requests that wait for a token, or may yet be sent once more. */
export interface Unsettled {
  add(): void;
  delete(): void;
  /** Those of them of which the dispatcher beneath does not know. */
  readonly waiting: Set<WaitingRequest>;
}

/** A request that waits for a token, the first one or another. */
export interface WaitingRequest {
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
