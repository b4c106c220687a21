/** Returns whether a value works as an AbortSignal, of any class. fetch itself rejects anything else. */
export function isAbortSignal(signal: unknown): signal is AbortSignal {
  return typeof (signal as AbortSignal | null | undefined)?.addEventListener === 'function';
}
