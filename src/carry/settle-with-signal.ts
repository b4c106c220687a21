import { raceAbort } from '../internal/abort.js';

/**
 * Waits for a token source on behalf of a client, whose callers expect the reason of their own signal, not this
 * library's `ERR_TOKEN_ABORTED`.
 */
export async function settleWithSignal<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  try {
    return await raceAbort(work, signal, () => abortReasonOf(signal));
  } catch (error) {
    throw signal.aborted ? abortReasonOf(signal) : error;
  }
}

/** Why a signal aborted. Those of polyfills that are older than the property `reason` do not say: then an `AbortError`. */
export function abortReasonOf({ reason }: AbortSignal): Error {
  return reason === undefined ? new DOMException('This operation was aborted', 'AbortError') : reason;
}
