/** Returns whether a signal can be waited for, whatever class it is of. What is none, fetch rejects itself. */
export function isAbortSignal(signal: unknown): signal is AbortSignal {
  return typeof (signal as AbortSignal | null | undefined)?.addEventListener === 'function';
}
