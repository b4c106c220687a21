import { describe, expect, it } from 'vitest';
import { withoutSecrets } from '../../src/internal/without-secrets.js';

const SECRET = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJidWlsZC1yb2JvdCJ9.c2lnbmF0dXJl';

describe('withoutSecrets', () => {
  it.each([
    ['whole', `bad token ${SECRET}!`, 'bad token [token]!'],
    ['cut at its end', `bad token ${SECRET.slice(0, 40)}`, 'bad token [token]'],
    ['cut at its beginning', `bad token ${SECRET.slice(20)}`, 'bad token [token]'],
    ['a piece from its middle', `bad token …${SECRET.slice(10, 26)}…`, 'bad token …[token]…'],
    ['wrapped', `${SECRET.slice(0, 30)}\n${SECRET.slice(30)}`, '[token]\n[token]'],
    ['twice', `${SECRET} ${SECRET}`, '[token] [token]'],
  ])('removes a secret that is quoted %s', (_how, text, safe) => {
    expect(withoutSecrets(text, [SECRET])).toBe(safe);
  });

  it('keeps what is shorter than a piece', () => {
    expect(withoutSecrets(`the header says ${SECRET.slice(0, 15)}`, [SECRET])).toBe('the header says eyJhbGciOiJSUzI');
  });

  it('removes a short secret where it is whole, and several secrets', () => {
    expect(withoutSecrets(`s.abc and ${SECRET}`, ['s.abc', SECRET, ''])).toBe('[token] and [token]');
  });
});
