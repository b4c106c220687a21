import { inspect } from 'node:util';

/**
 * Takes a token out of a request that was sent, for a program may log it: with the error of axios, or the response.
 *
 * Node keeps the headers of a request as text (`_header`, `outputData`) and as a list (a symbol `kOutHeaders`),
 * follow-redirects keeps the options of the next hop (`_redirectable._options`). Each is replaced where it holds the token. What a
 * request refers to further away (the agent, and through its sockets the requests of others under way) is not shown any more:
 * inspecting or serialising the request gives a line instead.
 */
export function hideToken(request: unknown, token: string): void {
  if (!isObject(request) || hidden.has(request)) return;
  hidden.add(request);
  redactHere(request, token);
  const { method, protocol, host, path } = request as Record<string, unknown>;
  const line = `${request.constructor?.name ?? 'Request'} { ${method} ${protocol}//${host}${String(path).split('?', 1)[0]} }`;
  define(request, inspect.custom, () => line);
  define(request, 'toJSON', () => ({ method, protocol, host, path: String(path).split('?', 1)[0] }));
  for (const name of ['_currentRequest', '_redirectable', 'req'] as const) hideToken(Reflect.get(request, name), token);
  const options: unknown = Reflect.get(request, '_options');
  redactHere(options, token);
  if (isObject(options)) redactHere(Reflect.get(options, 'headers'), token);
  redactHere(Reflect.get(request, 'socket'), token);
}

const REDACTED = '[token]';

const hidden = new WeakSet<object>();

/** Replaces the token in the texts of an object, and in its lists and maps of texts. */
function redactHere(target: unknown, token: string, depth = 0): void {
  if (!isObject(target) || depth > 3) return;
  for (const key of Reflect.ownKeys(target)) {
    // What an accessor would give is not asked for.
    const value: unknown = Reflect.getOwnPropertyDescriptor(target, key)?.value;
    if (typeof value === 'string' && value.includes(token)) {
      Reflect.set(target, key, value.replaceAll(token, REDACTED));
    } else if (Array.isArray(value) || (isObject(value) && isPlain(value))) {
      redactHere(value, token, depth + 1);
    }
  }
}

/** Of any realm: Node makes its objects in another one than that of a test under Jest. */
function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function define(target: object, key: string | symbol, value: unknown): void {
  Object.defineProperty(target, key, { value, configurable: true, writable: true, enumerable: false });
}
