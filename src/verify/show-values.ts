import { printable } from '../internal/printable.js';

/** Returns values of a claim for a message, shortened and escaped: the sender's text must not flood or forge lines of a log. */
export function showValues(values: readonly string[]): string {
  const shown = values.slice(0, 5).map((value) => JSON.stringify(printable(value, 200)));
  return shown.length === 0 ? '(nobody)' : shown.join(', ') + (values.length > 5 ? ', …' : '');
}
