import { runInNewContext } from 'node:vm';

/** Evaluates an expression in another realm, where each class of the language is another one: as Node's own objects under Jest. */
export function inOtherRealm<T>(expression: string): T {
  return runInNewContext(`(${expression})`);
}

/** The `URLSearchParams` of another realm, or of a polyfill: the same behaviour and name, and nothing shared. */
export class OtherURLSearchParams {
  readonly #own: URLSearchParams;

  constructor(init: Iterable<[string, string]>) {
    this.#own = new URLSearchParams([...init]);
  }

  get [Symbol.toStringTag](): string {
    return 'URLSearchParams';
  }

  [Symbol.iterator](): IterableIterator<[string, string]> {
    return this.#own[Symbol.iterator]();
  }

  has(name: string): boolean {
    return this.#own.has(name);
  }

  set(name: string, value: string): void {
    this.#own.set(name, value);
  }

  toString(): string {
    return this.#own.toString();
  }
}
