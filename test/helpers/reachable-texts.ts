import { inspect } from 'node:util';
import { expect } from 'vitest';

/** What a search may have to look into: everything that has members. */
type Holder = object & { [key: PropertyKey]: unknown };

/**
 * Searches all that can be reached from a value for a text: own properties of every kind, getters of the prototypes, maps, sets, lists
 * and bytes, at any depth, and what `inspect` and JSON make of it. Fails with the way to the first place where it is.
 */
export function expectNowhere(root: unknown, text: string): void {
  const seen = new Set<unknown>();
  const pending: [value: unknown, way: string][] = [[root, 'value']];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const [value, way] = next;
    if (isTextWith(value, text)) expect.fail(`The token is at ${way}.`);
    if (!isHolder(value) || seen.has(value) || ArrayBuffer.isView(value)) continue;
    seen.add(value);
    for (const [key, member] of membersOf(value)) pending.push([member, `${way}.${String(key)}`]);
  }
  expect(inspect(root, { depth: 5, showHidden: true })).not.toContain(text);
}

function isTextWith(value: unknown, text: string): boolean {
  if (typeof value === 'string') return value.includes(text);
  return ArrayBuffer.isView(value) && Buffer.from(value.buffer, value.byteOffset, value.byteLength).includes(text);
}

function isHolder(value: unknown): value is Holder {
  // Functions lead to classes, and by those to the test runner.
  return typeof value === 'object' && value !== null && value !== globalThis && value !== process;
}

function* membersOf(holder: Holder): Generator<[PropertyKey, unknown]> {
  for (let owner: object | null = holder; owner !== null; owner = Object.getPrototypeOf(owner)) {
    for (const key of Reflect.ownKeys(owner)) {
      const descriptor = Reflect.getOwnPropertyDescriptor(owner, key);
      if (descriptor === undefined || (owner !== holder && descriptor.get === undefined)) continue;
      try {
        yield [key, descriptor.get ? Reflect.get(owner, key, holder) : descriptor.value];
      } catch {
        // A getter that throws shows nothing.
      }
    }
  }
  if (holder instanceof Map)
    for (const [key, value] of holder)
      yield* [
        ['key', key],
        ['value', value],
      ] as [string, unknown][];
  if (holder instanceof Set) for (const value of holder) yield ['member', value];
  if (typeof (holder as { toJSON?: unknown }).toJSON === 'function') {
    try {
      yield ['toJSON()', JSON.stringify(holder)];
    } catch {
      // It refers to itself.
    }
  }
}
