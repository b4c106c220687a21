import { withDeadline } from '../internal/deadline.js';
import type { CarriedRequest } from './carried-request.js';

/** Longest delay of a timer of Node. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/**
 * Waits for the value of the header with the token. The time limit for the head of the answer, `headersTimeout`, covers the wait, too.
 *
 * @returns the value, and what is left of the time limit, in milliseconds
 */
export async function waitForValue(
  { journey, options, errors }: CarriedRequest,
  signal: AbortSignal,
): Promise<{ value: string; headersTimeout: number | null | undefined }> {
  const { headersTimeout } = options;
  // What is no time limit is left for undici to reject.
  if (typeof headersTimeout !== 'number' || !(headersTimeout > 0)) {
    return { value: await journey.value(signal), headersTimeout };
  }
  const startedAtMs = performance.now();
  const timeoutMs = Math.min(headersTimeout, MAX_TIMEOUT_MS);
  const value = await withDeadline((limit) => journey.value(limit), { timeoutMs, toError: errors.timedOut, signal });
  const waitedMs = Math.ceil(performance.now() - startedAtMs);
  return { value, headersTimeout: Math.max(1, headersTimeout - waitedMs) };
}
