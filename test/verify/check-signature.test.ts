import { generateKeyPairSync, type KeyObject, verify } from 'node:crypto';
import { SignJWT } from 'jose';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { checkSignature } from '../../src/verify/check-signature.js';
import { KeySet } from '../../src/verify/key-set.js';
import { parseToken } from '../../src/verify/parse-token.js';

vi.mock('node:crypto', { spy: true });

/** How many signatures were checked in the pool since the test began: those calls have a callback. */
const checksInPool = () => vi.mocked(verify).mock.calls.filter(({ length }) => length === 5).length;

const rsa = (modulusLength: number) => generateKeyPairSync('rsa', { modulusLength });
const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve });
type KeyPair = { readonly publicKey: KeyObject; readonly privateKey: KeyObject };

/** A token signed with the key, and the keys that are found for it. */
async function signed(alg: string, { publicKey, privateKey }: KeyPair) {
  const token = await new SignJWT({ iss: 'a' }).setProtectedHeader({ alg, kid: 'a' }).sign(privateKey);
  const keys = await new KeySet({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'a' }] }).keysFor({
    alg,
    kid: 'a',
  });
  return { token, keys };
}

const changed = (token: string) => {
  const signature = Buffer.from(token.split('.')[2]!, 'base64url');
  signature[7]! ^= 1;
  return [...token.split('.').slice(0, 2), signature.toString('base64url')].join('.');
};

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  // The budget for checks on the event loop is one for the process: it learns of the clock that is in use now.
  const { token, keys } = await signed('RS256', rsa(2048));
  await checkSignature(parseToken(token, ['RS256']), keys[0]!);
});
afterAll(() => {
  vi.useRealTimers();
});
beforeEach(() => {
  // It fills up with time: each test begins with all of it.
  vi.advanceTimersByTime(1_000);
});
afterEach(() => {
  vi.clearAllMocks();
});

describe.each<[string, KeyPair]>([
  ['RS256', rsa(2048)],
  ['RS384', rsa(2048)],
  ['RS512', rsa(3072)],
  ['PS256', rsa(2048)],
  ['PS512', rsa(2048)],
  ['ES256', ec('P-256')],
  ['ES384', ec('P-384')],
  ['ES512', ec('P-521')],
  ['EdDSA', generateKeyPairSync('ed25519')],
])('%s', (alg, pair) => {
  it('tells a right signature from a wrong one, on the event loop or beside it', async () => {
    const { token, keys } = await signed(alg, pair);
    expect(keys).toHaveLength(1);
    // More than the budget for the event loop.
    for (let n = 0; n < 150; n++) {
      const text = n % 2 === 0 ? token : changed(token);
      expect(await checkSignature(parseToken(text, [alg]), keys[0]!)).toBe(n % 2 === 0);
    }
  });

  it('takes a signature of any other length for a wrong one', async () => {
    const { token, keys } = await signed(alg, pair);
    const end = token.lastIndexOf('.') + 1;
    const signature = Buffer.from(token.slice(end), 'base64url');
    const lengths = [1, 8, signature.length - 1, signature.length + 1, 2 * signature.length];
    for (const length of lengths) {
      const other = Buffer.concat([signature, signature]).subarray(0, length).toString('base64url');
      expect(await checkSignature(parseToken(token.slice(0, end) + other, [alg]), keys[0]!)).toBe(false);
    }
    for (const byte of [0x00, 0xff]) {
      const other = Buffer.alloc(signature.length, byte).toString('base64url');
      expect(await checkSignature(parseToken(token.slice(0, end) + other, [alg]), keys[0]!)).toBe(false);
    }
  });

  it('is not fooled by a key of another kind', async () => {
    const { token } = await signed(alg, pair);
    const other = ['ES256', 'ES384', 'ES512'].includes(alg) ? rsa(2048) : ec('P-256');
    const keys = new KeySet({ keys: [{ ...other.publicKey.export({ format: 'jwk' }), kid: 'a' }] });
    expect(await keys.keysFor(parseToken(token, [alg]).header)).toEqual([]);
  });
});

it('holds the event loop for a hundred RSA checks at once, and leaves the others to the pool', async () => {
  const { token, keys } = await signed('RS256', rsa(2048));
  const check = () => checkSignature(parseToken(token, ['RS256']), keys[0]!);
  await Promise.all(Array.from({ length: 130 }, check));
  expect(checksInPool()).toBe(30);
  vi.advanceTimersByTime(10);
  await Promise.all(Array.from({ length: 11 }, check));
  expect(checksInPool()).toBe(31);
});

it('leaves RSA keys of more than 2048 bits to the pool', async () => {
  const { token, keys } = await signed('RS256', rsa(3072));
  expect(await checkSignature(parseToken(token, ['RS256']), keys[0]!)).toBe(true);
  expect(checksInPool()).toBe(1);
});
