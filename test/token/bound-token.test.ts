import { createHash } from 'node:crypto';
import { format, inspect } from 'node:util';
import { serialize } from 'node:v8';
import { BoundToken } from 'projected-token';
import { mintToken } from 'projected-token/testing';
import { beforeEach, describe, expect, it } from 'vitest';

const ISSUED_AT = new Date('2026-03-01T12:00:00Z');
const secondsIn = (seconds: number) => new Date(ISSUED_AT.getTime() + seconds * 1000);

let value: string;
let token: BoundToken;

beforeEach(async () => {
  value = await mintToken({
    issuedAt: ISSUED_AT,
    expiresInSeconds: 600,
    audience: ['vault', 'bao'],
    namespace: 'shop',
    serviceAccount: 'web',
    pod: 'web-7d4b',
    node: 'worker-1',
  });
  token = BoundToken.parse(value);
});

const parse = async (claims: Record<string, unknown>) => BoundToken.parse(await mintToken({ claims }));

describe('a bound token', () => {
  it('tells what its claims say', () => {
    expect(token.value).toBe(value);
    expect(token).toMatchObject({
      audiences: ['vault', 'bao'],
      issuer: 'https://kubernetes.default.svc',
      subject: 'system:serviceaccount:shop:web',
      namespace: 'shop',
      serviceAccount: { name: 'web', uid: expect.any(String) },
      pod: { name: 'web-7d4b', uid: expect.any(String) },
      node: { name: 'worker-1', uid: expect.any(String) },
      issuedAt: ISSUED_AT,
      notBefore: ISSUED_AT,
      expiresAt: secondsIn(600),
      warnAfter: undefined,
      refreshAt: secondsIn(480),
    });
    expect(token.claims.jti).toEqual(expect.any(String));
  });

  it('of an extended kind tells both its ends', async () => {
    const extended = BoundToken.parse(await mintToken({ issuedAt: ISSUED_AT, extended: true }));
    expect(extended).toMatchObject({
      warnAfter: secondsIn(3607),
      expiresAt: secondsIn(365 * 86_400),
      refreshAt: secondsIn(3607 * 0.8),
    });
  });

  it.each([
    ['vault', ['vault']],
    [['vault'], ['vault']],
    [[], []],
    [undefined, []],
  ])('with the audience %j has a list of it', async (aud, audiences) => {
    expect((await parse({ aud })).audiences).toEqual(audiences);
  });

  it('may lack everything', async () => {
    const claims = { aud: undefined, exp: undefined, iat: undefined, iss: undefined, jti: undefined };
    const bare = await parse({ ...claims, nbf: undefined, sub: undefined, 'kubernetes.io': undefined });
    expect(bare.claims).toEqual({});
    const { fingerprint, audiences, ...rest } = bare.toJSON();
    expect(audiences).toEqual([]);
    expect(fingerprint).toMatch(/^[\da-f]{12}$/);
    expect(Object.values(rest).filter((value) => value !== undefined)).toEqual([]);
    expect(inspect(bare)).toBe(`BoundToken { fingerprint: '${bare.fingerprint}', audiences: [] }`);
  });

  it('may claim anything else', async () => {
    const claims = { nothing: null, list: [null, 1, 'text', { deep: null }], flag: false };
    expect((await parse(claims)).claims).toMatchObject(claims);
  });

  it('has a fingerprint that is part of the hash of its value', () => {
    expect(token.fingerprint).toBe(createHash('sha256').update(value).digest('hex').slice(0, 12));
  });

  it('is none where the text is none', () => {
    expect(() => BoundToken.parse('not a token')).toThrow(expect.objectContaining({ code: 'ERR_TOKEN_MALFORMED' }));
  });
});

describe('nothing gives its value away:', () => {
  const PRINTED: Record<string, (token: BoundToken) => unknown> = {
    'String()': (token) => String(token),
    'a template': (token) => `${token}`,
    'toString()': (token) => token.toString(),
    'JSON.stringify': (token) => JSON.stringify({ token }),
    'JSON.stringify of a spread': (token) => JSON.stringify({ ...token }),
    'util.inspect': (token) => inspect(token),
    'util.inspect of all that is hidden': (token) => inspect({ token }, { depth: 9, showHidden: true, getters: true }),
    'util.inspect without its own': (token) => inspect(token, { customInspect: false, showHidden: true, depth: 9 }),
    'util.format': (token) => format('%s %o %O %j', token, token, token, token),
    structuredClone: (token) => inspect(structuredClone(token), { depth: 9, showHidden: true }),
    'v8.serialize': (token) => serialize(token).toString('latin1'),
    'Object.entries': (token) => inspect(Object.entries(token), { depth: 9 }),
    'Object.assign': (token) => inspect(Object.assign({}, token), { depth: 9 }),
    'own keys': (token) =>
      inspect(
        Reflect.ownKeys(token).map((key) => Reflect.get(token, key)),
        { depth: 9 },
      ),
    'for … in': (token) => {
      const seen: unknown[] = [];
      for (const key in token) seen.push(Reflect.get(token, key));
      return inspect(seen, { depth: 9 });
    },
  };

  it.each(Object.entries(PRINTED))('%s', (_, print) => {
    const printed = String(print(token));
    const [header, payload, signature] = value.split('.') as [string, string, string];
    for (const part of [header, payload, signature]) expect(printed).not.toContain(part.slice(0, 8));
    expect(printed.length).toBeGreaterThan(10);
  });

  it('what is shown instead tells the token apart, and when it ends', () => {
    expect(String(token)).toBe(`BoundToken(${token.fingerprint})`);
    expect(JSON.parse(JSON.stringify(token))).toEqual({
      fingerprint: token.fingerprint,
      audiences: ['vault', 'bao'],
      issuer: 'https://kubernetes.default.svc',
      subject: 'system:serviceaccount:shop:web',
      namespace: 'shop',
      serviceAccount: token.serviceAccount,
      pod: token.pod,
      node: token.node,
      issuedAt: '2026-03-01T12:00:00.000Z',
      notBefore: '2026-03-01T12:00:00.000Z',
      expiresAt: '2026-03-01T12:10:00.000Z',
      refreshAt: '2026-03-01T12:08:00.000Z',
    });
    expect(inspect(token)).toMatch(/^BoundToken \{/);
    expect(inspect(token)).toContain(`fingerprint: '${token.fingerprint}'`);
    expect(inspect(token)).not.toContain('undefined');
    expect(inspect(token, { compact: true, breakLength: Number.POSITIVE_INFINITY })).not.toContain('\n');
  });
});

describe('it cannot be changed:', () => {
  const CHANGES: Record<string, (token: Record<string, never> & BoundToken) => void> = {
    'a member': (token) => Object.assign(token, { fingerprint: 'other' }),
    'a new member': (token) => Object.assign(token, { more: 1 }),
    'its value': (token) => Object.assign(token, { value: 'other' }),
    'a claim': (token) => Object.assign(token.claims, { exp: 0 }),
    'a new claim': (token) => Object.assign(token.claims, { more: 1 }),
    'its audiences': (token) => (token.audiences as string[]).push('other'),
    'its pod': (token) => Object.assign(token.pod!, { name: 'other' }),
    'a claim deep down': (token) => Object.assign(token.claims['kubernetes.io']!, { namespace: 'other' }),
  };

  it.each(Object.entries(CHANGES))('%s', (_, change) => {
    const before = JSON.stringify([token, token.claims]);
    expect(() => change(token as never)).toThrow(TypeError);
    expect(JSON.stringify([token, token.claims])).toBe(before);
    expect(token.value).toBe(value);
  });

  it('a date that it gave', () => {
    token.expiresAt!.setFullYear(2100);
    expect(token.expiresAt).toEqual(secondsIn(600));
  });

  it('claims nested ten thousand deep', () => {
    const depth = 10_000;
    const nested = '['.repeat(depth) + ']'.repeat(depth);
    const base64 = (text: string) => Buffer.from(text).toString('base64url');
    const deep = BoundToken.parse(`${base64('{"alg":"RS256"}')}.${base64(`{"deep":${nested}}`)}.c2ln`);
    let level = deep.claims.deep as unknown[];
    let levels = 0;
    for (; level !== undefined; level = level[0] as unknown[]) {
      expect(Object.isFrozen(level)).toBe(true);
      levels++;
    }
    expect(levels).toBe(depth);
  });
});
