import axios, { type CancelToken } from 'axios';
import type { RequestConfig } from './request-config.js';

/** What every `CancelToken` can do, beside what its public type says. */
type Subscribable = CancelToken & { subscribe(listener: () => void): void; unsubscribe(listener: () => void): void };

/** Waits for the token on behalf of a request, which either of axios' means may cancel; it fails then as axios' do. */
export async function orCanceled<T>(
  config: RequestConfig,
  work: (signal: AbortSignal | undefined) => Promise<T>,
): Promise<T> {
  const { signal } = config;
  const cancelToken = config.cancelToken as Subscribable | undefined;
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
  } catch (error) {
    cancelToken?.throwIfRequested();
    if (signal?.aborted) throw new axios.CanceledError(undefined, config);
    throw error;
  } finally {
    signal?.removeEventListener?.('abort', cancel);
    cancelToken?.unsubscribe(cancel);
  }
}
