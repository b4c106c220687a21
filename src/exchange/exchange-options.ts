import { MAX_TIMER_MS, numberIn } from '../internal/option-checks.js';

/** Options of every provider whose token comes from an exchange. */
export interface ExchangeOptions {
  /**
   * How long one request to the server may take, in milliseconds.
   *
   * @default 10_000
   */
  readonly timeoutMs?: number | undefined;
  /**
   * How long `open` waits for a first token, in milliseconds; with 0 it tries once.
   *
   * @default 30_000
   */
  readonly readyTimeoutMs?: number | undefined;
  /** Ends the wait of `open`, and closes the provider later, when it aborts. */
  readonly signal?: AbortSignal | undefined;
}

/** {@link ExchangeOptions} with every default filled in. */
export interface ExchangeLimits {
  readonly timeoutMs: number;
  readonly readyTimeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/** Checks the options and fills in the defaults; throws `ERR_TOKEN_OPTION`. */
export function resolveExchangeOptions({ timeoutMs, readyTimeoutMs, signal }: ExchangeOptions): ExchangeLimits {
  return {
    timeoutMs: numberIn('timeoutMs', timeoutMs, 10_000, 1, MAX_TIMER_MS),
    readyTimeoutMs: numberIn('readyTimeoutMs', readyTimeoutMs, 30_000, 0, MAX_TIMER_MS),
    signal,
  };
}
