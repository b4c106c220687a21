import { MAX_TIMER_MS, numberIn } from '../internal/option-checks.js';

/** Options of every provider that gets its token by an exchange. */
export interface ExchangeOptions {
  /**
   * Time limit of one request to the server, in milliseconds; at least 1.
   *
   * @default 10_000
   */
  readonly timeoutMs?: number | undefined;
  /**
   * How long `open` waits for the first token, in milliseconds; 0 for a single attempt.
   *
   * @default 30_000
   */
  readonly readyTimeoutMs?: number | undefined;
  /** When it aborts, `open` rejects, or the opened provider is closed. */
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
