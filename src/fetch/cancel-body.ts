/** A stream of the web platform, or of Node. */
type Cancelable =
  | { readonly locked?: boolean; cancel?(reason: unknown): Promise<void>; destroy?(): void }
  | null
  | undefined;

/**
 * Ends a body that nobody will read; anything else than a stream stays as it is. Nobody waits for that: a body of which somebody keeps an
 * unread clone is cancelled no sooner than the clone.
 */
export function cancelBody(body: unknown, reason?: unknown): void {
  const stream = body as Cancelable;
  if (typeof stream !== 'object' || stream === null || stream.locked === true) return;
  if (typeof stream.cancel === 'function') stream.cancel(reason).catch(() => {});
  // The bodies of node-fetch are streams of Node.
  else if (typeof stream.destroy === 'function') stream.destroy();
}
