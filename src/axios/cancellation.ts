import type { CancelToken } from 'axios';
import type { RequestConfig } from './request-config.js';

/** What every `CancelToken` can do, beside what its public type says. */
type Subscribable = CancelToken & { subscribe(listener: () => void): void; unsubscribe(listener: () => void): void };

/**
 * Waits for the token on behalf of a request, which either of axios' means may cancel. What it rejects with then does not
 * matter: axios makes its own error when a request was canceled.
 */
export async function untilCanceled<T>(
  { signal, cancelToken: token }: RequestConfig,
  work: (signal: AbortSignal | undefined) => Promise<T>,
): Promise<T> {
  const cancelToken = token as Subscribable | undefined;
  const canceled = new AbortController();
  const cancel = () => canceled.abort();
  const isPlatformSignal = signal === undefined || signal instanceof AbortSignal;
  if (!isPlatformSignal || cancelToken !== undefined) {
    signal?.addEventListener?.('abort', cancel);
    cancelToken?.subscribe(cancel);
    if (signal?.aborted) cancel();
  }
  try {
    return await work(isPlatformSignal && cancelToken === undefined ? signal : canceled.signal);
  } finally {
    signal?.removeEventListener?.('abort', cancel);
    cancelToken?.unsubscribe(cancel);
  }
}
