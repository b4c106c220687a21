import axios from 'axios';
import { withDeadline } from '../internal/deadline.js';
import { untilCanceled } from './cancellation.js';
import type { RequestConfig } from './request-config.js';

/** The longest time that a timer can wait. */
const LONGEST_MS = 2 ** 31 - 1;

/** The option `timeout` of one request: it covers the waits for a token, and what is sent after them. */
export class TimeLimit {
  readonly #startedAt: number;
  readonly #limitMs: number;

  constructor(private readonly config: RequestConfig) {
    // The clock is not asked where there is nothing to measure: that is most requests.
    const limitMs = config.timeout ? Number.parseInt(String(config.timeout), 10) : 0;
    this.#limitMs = limitMs > 0 ? Math.min(limitMs, LONGEST_MS) : Number.POSITIVE_INFINITY;
    this.#startedAt = limitMs > 0 ? performance.now() : 0;
  }

  /**
   * Waits for work that ends when the request is canceled or times out.
   *
   * @throws the timeout error of axios
   */
  wait<T>(work: (signal: AbortSignal | undefined) => Promise<T>): Promise<T> {
    return untilCanceled(this.config, (signal) => {
      if (this.#limitMs === Number.POSITIVE_INFINITY) return work(signal);
      const toError = () => this.toError();
      return withDeadline(work, { timeoutMs: this.#leftMs(), toError, signal });
    });
  }

  /** What to change in the configuration of what is sent after a wait. The message of its error names the whole time. */
  ofWhatIsLeft(): Pick<RequestConfig, 'timeout' | 'timeoutErrorMessage'> | undefined {
    if (this.#limitMs === Number.POSITIVE_INFINITY) return undefined;
    return { timeout: this.#leftMs(), timeoutErrorMessage: this.#message() };
  }

  /** As axios' own adapters make it. */
  toError(): Error {
    const { transitional = axios.defaults.transitional } = this.config;
    const { ETIMEDOUT, ECONNABORTED } = axios.AxiosError;
    return new axios.AxiosError(
      this.#message(),
      transitional?.clarifyTimeoutError ? ETIMEDOUT : ECONNABORTED,
      this.config,
    );
  }

  #message(): string {
    return this.config.timeoutErrorMessage || `timeout of ${this.config.timeout}ms exceeded`;
  }

  #leftMs(): number {
    return Math.max(1, Math.ceil(this.#limitMs - (performance.now() - this.#startedAt)));
  }
}
