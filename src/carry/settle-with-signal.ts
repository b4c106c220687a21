import { raceAbort } from '../internal/abort.js';

/**
 * Waits for a token source on behalf of a client, whose callers expect the reason of their own signal, not this
 * library's `ERR_TOKEN_ABORTED`.
 */
export async function settleWithSignal<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  try {
    return await raceAbort(work, signal, () => signal.reason);
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  }
}
