import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseUniqueJson } from '../../src/verify/parse-unique-json.js';

describe('parseUniqueJson', () => {
  it('gives what JSON.parse gives for any value', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 5 }), fc.constantFrom(0, 2), (text, indent) => {
        const value: unknown = JSON.parse(text);
        expect(parseUniqueJson(JSON.stringify(value, null, indent))).toEqual(value);
      }),
    );
  });

  it('finds a name that occurs twice in any object of any value', () => {
    const notJson = fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1, noNullPrototype: true });
    fc.assert(
      fc.property(notJson, fc.jsonValue(), fc.boolean(), (object, value, nested) => {
        const name = Object.keys(object)[0]!;
        const text = JSON.stringify(object).replace('{', () => `{${JSON.stringify(name)}:${JSON.stringify(value)},`);
        expect(() => parseUniqueJson(nested ? `[{"a":${text}}]` : text)).toThrow(SyntaxError);
      }),
    );
  });

  it.each([
    ['{"a":{"b":1},"b":2,"c":[{"b":3},{"b":4}]}', 'in different objects'],
    ['{"a":"a","b":["a","a"]}', 'as values'],
    ['{"a":"\\"a\\":1,\\"a\\":2"}', 'within a text'],
    ['{"a":1,"A":2,"__proto__":3}', 'in another case'],
  ])('lets %s pass: equal names %s', (text) => {
    expect(parseUniqueJson(text)).toEqual(JSON.parse(text));
  });

  it.each([
    '{"a":1,"a":1}',
    '{"a":1, "\\u0061" : 2}',
    '[{"":0,"":0}]',
    '{"__proto__":1,"__proto__":2}',
    '{"a\\\\":1,"a\\\\":2}',
  ])('refuses %s', (text) => {
    expect(() => parseUniqueJson(text)).toThrow(SyntaxError);
  });

  it('refuses what is no JSON', () => {
    expect(() => parseUniqueJson('{"a":1')).toThrow(SyntaxError);
  });

  it('takes a time proportional to the length of the text', () => {
    const text = `{"a":"${'\\"'.repeat(30_000)}"}`;
    const started = performance.now();
    parseUniqueJson(text);
    expect(performance.now() - started).toBeLessThan(1000);
  });
});
