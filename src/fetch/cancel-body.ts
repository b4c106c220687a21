/** A stream of the web platform, or of Node. */
type Cancelable =
  | { readonly locked?: boolean; cancel?(reason: unknown): Promise<void>; destroy?(): void }
  | null
  | undefined;

/**
 * Cancels a stream that nobody will read; ignores any other body. Does not wait: a body with an unread clone is cancelled only together
 * with the clone.
 */
export function cancelBody(body: unknown, reason?: unknown): void {
  const stream = body as Cancelable;
  if (typeof stream !== 'object' || stream === null || stream.locked === true) return;
  if (typeof stream.cancel === 'function') stream.cancel(reason).catch(() => {});
  // The bodies of node-fetch are streams of Node.
  else if (typeof stream.destroy === 'function') stream.destroy();
}
