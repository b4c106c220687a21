import { waitWithBody } from '../carry/wait-with-body.js';
import { withDeadline } from '../internal/deadline.js';
import type { CarriedRequest } from './carried-request.js';

/** Longest delay of a timer of Node. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

interface Waited {
  readonly value: string;
  readonly headersTimeout: number | null | undefined;
}

/**
 * Waits for the value of the header with the token. The time limit for the head of the answer, `headersTimeout`, covers the wait, too.
 *
 * @returns the value, and what is left of the time limit, in milliseconds
 */
export function waitForValue(request: CarriedRequest, signal: AbortSignal): Promise<Waited> {
  const { options, errors } = request;
  // As undici does.
  const toError = (failure: NodeJS.ErrnoException) =>
    failure.code === 'ERR_STREAM_PREMATURE_CLOSE' ? errors.aborted() : failure;
  return waitWithBody((ending) => wait(request, ending), { body: options.body, signal, toError });
}

async function wait({ journey, options, errors }: CarriedRequest, signal: AbortSignal | undefined): Promise<Waited> {
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
