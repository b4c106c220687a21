import { TokenFileError } from 'projected-token';
import { describe, expect, it } from 'vitest';
import { isCompactJws, parseJwt } from '../../src/token/parse-jwt.js';
import { thrownBy } from '../helpers/thrown-by.js';

const base64 = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const jwt = (payload: unknown, header: unknown = { alg: 'RS256' }) =>
  `${base64(header)}.${base64(payload)}.c2lnbmF0dXJl`;

describe('isCompactJws', () => {
  it.each(['a.b.c', '-.x._', 'A-Z_0.9.a'])('%j has the form', (text) => {
    expect(isCompactJws(text)).toBe(true);
  });

  it.each([
    '',
    '.',
    '..',
    'a',
    'a.b',
    'a.b.',
    'a..c',
    '.b.c',
    'a.b.c.d',
    'a.b.c\n',
    ' a.b.c',
    'a.b=.c',
    'a.b+.c',
    'a.b/.c',
    'ä.b.c',
  ])('%j has not', (text) => {
    expect(isCompactJws(text)).toBe(false);
  });
});

describe('a token', () => {
  it('gives its claims', () => {
    const claims = { iss: 'issuer', aud: ['vault'], exp: 2, iat: 1, more: { deep: [1] } };
    expect(parseJwt(jwt(claims))).toEqual(claims);
  });

  it('may have no claims at all', () => {
    expect(parseJwt(jwt({}))).toEqual({});
  });

  it('is not normalised: an unusual name is a claim as any other', () => {
    const claims = parseJwt(jwt('{"__proto__":{"exp":1},"constructor":1}'));
    expect(claims.exp).toBeUndefined();
    expect(({} as { exp?: unknown }).exp).toBeUndefined();
  });

  const MALFORMED: [string, string, RegExp][] = [
    ['no parts', 'token', /three base64url parts/],
    ['an empty text', '', /three base64url parts/],
    ['an empty signature', jwt({}).replace(/[^.]*$/, ''), /three base64url parts/],
    ['a header that is no JSON', jwt({}, 'header'), /header is not a JSON object/],
    ['a header that is a list', jwt({}, []), /header is not a JSON object/],
    ['a header that is null', jwt({}, null), /header is not a JSON object/],
    ['a payload that is no JSON', jwt('payload'), /payload is not a JSON object/],
    ['a payload that is a list', jwt([]), /payload is not a JSON object/],
    ['a payload that is null', jwt(null), /payload is not a JSON object/],
    ['a payload that is a number', jwt(7), /payload is not a JSON object/],
    [
      'a payload that is not UTF-8',
      `${base64({ alg: 'RS256' })}.${Buffer.from([0x7b, 0xff, 0x7d]).toString('base64url')}.c2ln`,
      /payload/,
    ],
  ];

  it.each(MALFORMED)('with %s is malformed, and the error quotes nothing of it', (_, text, says) => {
    const error = thrownBy(() => parseJwt(text));
    expect(error).toBeInstanceOf(TokenFileError);
    expect(error).toMatchObject({ code: 'ERR_TOKEN_MALFORMED', message: expect.stringMatching(says) });
    // A parser's error quotes what it could not read.
    expect(error.cause).toBeUndefined();
    for (const part of text.split('.').filter(({ length }) => length > 5)) expect(error.stack).not.toContain(part);
  });
});

describe('a claim', () => {
  const OBJECT = { name: 'n' };

  it.each<[string, unknown[]]>([
    ['iss', ['', 'https://issuer']],
    ['sub', ['', 'system:serviceaccount:a:b']],
    ['jti', ['', 'id']],
    ['exp', [0, 1.5, -1, 8.64e12, -8.64e12]],
    ['iat', [0, 1.5, 8.64e12]],
    ['nbf', [0, 1.5, 8.64e12]],
    ['aud', ['', 'vault', [], ['vault'], ['a', 'b']]],
    ['kubernetes.io', [{}, { namespace: 'n' }, { warnafter: 1.5 }, { more: 1 }]],
  ])('%s may be any of %j', (name, values) => {
    for (const value of values) expect(parseJwt(jwt({ [name]: value }))).toEqual({ [name]: value });
  });

  it.each<[string, unknown[], RegExp]>([
    ['iss', [null, 1, [], {}, true], /claim "iss" is not a string/],
    ['sub', [null, 1, ['a'], {}], /claim "sub" is not a string/],
    ['jti', [null, 1, ['a'], {}], /claim "jti" is not a string/],
    ['exp', [null, '1', [1], {}, true, 8.64e12 + 1, -8.64e12 - 1], /claim "exp" is not a number of seconds/],
    ['iat', [null, '1', [1], {}, 1e300], /claim "iat" is not a number of seconds/],
    ['nbf', [null, '1', [1], {}, -1e300], /claim "nbf" is not a number of seconds/],
    ['aud', [null, 1, {}, [1], ['a', null], [['a']], true], /claim "aud" is neither a string nor a list of strings/],
    ['kubernetes.io', [null, 1, 'text', [], [{}], true], /claim "kubernetes.io" is not an object/],
  ])('%s may be none of %j', (name, values, says) => {
    for (const value of values) {
      expect(() => parseJwt(jwt({ [name]: value }))).toThrow(
        expect.objectContaining({ code: 'ERR_TOKEN_MALFORMED', message: expect.stringMatching(says) }),
      );
    }
  });

  it.each<[string, unknown[], RegExp]>([
    ['namespace', [null, 1, {}], /"kubernetes\.io\.namespace" is not a string/],
    ['warnafter', [null, '1', {}, 1e300], /"kubernetes\.io\.warnafter" is not a number of seconds/],
    ...['serviceaccount', 'pod', 'node', 'secret'].map((name): [string, unknown[], RegExp] => [
      name,
      [null, 'text', [], {}, { name: 1 }, { uid: 'u' }, { name: 'n', uid: 1 }, { name: 'n', uid: null }],
      new RegExp(`"kubernetes\\.io\\.${name}" is not an object with a name`),
    ]),
  ])('kubernetes.io.%s may be none of %j', (name, values, says) => {
    for (const value of values) {
      expect(() => parseJwt(jwt({ 'kubernetes.io': { [name]: value } }))).toThrow(
        expect.objectContaining({ code: 'ERR_TOKEN_MALFORMED', message: expect.stringMatching(says) }),
      );
    }
  });

  it.each(['serviceaccount', 'pod', 'node', 'secret'])('kubernetes.io.%s may have a uid or none', (name) => {
    for (const reference of [OBJECT, { ...OBJECT, uid: 'u' }]) {
      expect(parseJwt(jwt({ 'kubernetes.io': { [name]: reference } }))['kubernetes.io']).toEqual({ [name]: reference });
    }
  });
});
