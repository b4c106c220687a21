/** Returns whether a value is a promise, of whatever realm or library: it has a method `then`, as `await` and Node's emitters see it. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, 'then') === 'function';
}
