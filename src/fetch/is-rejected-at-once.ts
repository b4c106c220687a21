import { Readable } from 'node:stream';
import { isAbortSignal } from './is-abort-signal.js';
import type { Init, Input } from './outgoing-request.js';

/**
 * Returns whether fetch rejects a request with a stream as its body before it sends anything: because of a member of the init, such as
 * `keepalive` or an aborted `signal`, or because the stream is locked. The check uses another stream and leaves this one untouched.
 */
export function isRejectedAtOnce(input: Input, init: Readonly<Record<string, unknown>>): boolean {
  const body = init.body as { readonly locked?: boolean };
  if (body.locked === true || Readable.isDisturbed(body as unknown as Readable)) return true;
  const tried: PropertyDescriptorMap = { body: { value: new ReadableStream() } };
  if (isAbortSignal(init.signal)) {
    if (init.signal.aborted) return true;
    // A signal would keep a listener of what is tried.
    tried.signal = { value: undefined };
  }
  try {
    new Request(input, Object.create(init, tried) as Init);
    return false;
  } catch {
    return true;
  }
}
