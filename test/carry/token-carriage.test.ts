import type { TokenCarrier } from 'projected-token';
import { describe, expect, it } from 'vitest';
import { TokenCarriage, type WithTokenOptions } from '../../src/carry/token-carriage.js';
import { carriageOf, ELSEWHERE, HERE, NEXT_DOOR, sourceOf } from './carriage-of.js';

describe('the header', () => {
  it.each<[TokenCarrier | undefined, string, string]>([
    [undefined, 'authorization', 'Bearer first'],
    [{ header: 'Authorization', scheme: 'Bearer' }, 'authorization', 'Bearer first'],
    [{ header: 'X-Vault-Token' }, 'x-vault-token', 'first'],
    [{ header: 'authorization', scheme: 'Token' }, 'authorization', 'Token first'],
  ])('of a source with the carrier %j is %s: %s', async (carrier, header, value) => {
    const carriage = carriageOf(sourceOf(carrier));
    expect(carriage.header).toBe(header);
    expect(carriage.valueOf('first')).toBe(value);
    expect(await carriage.begin().valueFor(HERE)).toBe(value);
  });

  it.each(['', 'X Vault', 'X-Vault:', 'X-Vault\r\nX', 'X-Välter', ' X-Vault', 'X-Vault '])(
    'that is none (%j) is refused',
    (header) => {
      expect(() => carriageOf(sourceOf({ header }))).toThrow(
        expect.objectContaining({
          code: 'ERR_TOKEN_OPTION',
          option: 'carrier',
          message: expect.stringContaining('header'),
        }),
      );
    },
  );

  it.each(['', ' ', 'a b', 'a\n', '\ta', 'a\u0000', 'a\u007f', 'tökén', '\u{1f511}'])(
    'cannot carry the token %j, which is not quoted',
    async (token) => {
      const source = sourceOf();
      source.getToken.mockResolvedValue(token);
      const message = expect.stringMatching(
        /^The token source gave a token that is empty, or holds white space, [ -~]+$/,
      );
      await expect(carriageOf(source).begin().valueFor(HERE)).rejects.toMatchObject({
        code: 'ERR_TOKEN_MALFORMED',
        message,
      });
    },
  );

  it('has the value of each token, in whatever order they come', () => {
    const carriage = carriageOf(sourceOf());
    const values = ['a', 'a', 'b', 'a'].map((token) => carriage.valueOf(token));
    expect(values).toEqual(['Bearer a', 'Bearer a', 'Bearer b', 'Bearer a']);
    expect(() => carriage.valueOf('')).toThrow();
  });

  it('carries all of visible ASCII', () => {
    const visible = String.fromCharCode(...Array.from({ length: 94 }, (_, index) => 0x21 + index));
    expect(carriageOf(sourceOf()).valueOf(visible)).toBe(`Bearer ${visible}`);
  });
});

describe('the statuses that refuse a token', () => {
  it.each<[string, TokenCarrier | undefined, WithTokenOptions, number[]]>([
    ['are 401', undefined, {}, [401]],
    ['are those of the carrier', { header: 'x', refusedStatuses: [403] }, {}, [403]],
    [
      'are those of the options before all',
      { header: 'x', refusedStatuses: [403] },
      { refusedStatuses: [401, 498] },
      [401, 498],
    ],
    ['may be none', undefined, { refusedStatuses: [] }, []],
    ['may be the outermost', undefined, { refusedStatuses: [400, 599] }, [400, 599]],
  ])('%s', (_, carrier, options, refused) => {
    const carriage = carriageOf(sourceOf(carrier), options);
    const statuses = [200, 301, 400, 401, 403, 498, 500, 599];
    expect(statuses.filter((status) => carriage.isRefusal(status))).toEqual(refused);
  });

  it.each([[[399]], [[600]], [[200]], [[401.5]], [['401']], [[401, 0]], [[Number.NaN]], [401], ['401'], [{}]])(
    'that cannot be (%j) are refused',
    (refusedStatuses) => {
      expect(() => carriageOf(sourceOf(), { refusedStatuses: refusedStatuses as number[] })).toThrow(
        expect.objectContaining({
          code: 'ERR_TOKEN_OPTION',
          option: 'refusedStatuses',
          message: expect.stringContaining('400 to 599'),
        }),
      );
    },
  );

  it('are those of the moment', () => {
    const refusedStatuses = [401];
    const carriage = carriageOf(sourceOf(), { refusedStatuses });
    refusedStatuses.push(403);
    expect(carriage.isRefusal(403)).toBe(false);
  });
});

describe('origins', () => {
  it('are those listed', () => {
    const carriage = carriageOf(sourceOf());
    expect([HERE, NEXT_DOOR, ELSEWHERE].map((url) => carriage.allows(url))).toEqual([true, true, false]);
  });

  it('may be told from a text, however it is written', () => {
    const carriage = carriageOf(sourceOf());
    const listed = [HERE.origin, `${HERE.origin}/`, 'HTTPS://Vault.internal:8200', HERE.href];
    expect(listed.map((text) => carriage.allows(text))).toEqual([true, true, true, true]);
    const others = [ELSEWHERE.origin, 'vault.internal:8200', '', '/v1', 'https://vault.internal:8200@evil.example'];
    expect(others.map((text) => carriage.allows(text))).toEqual(Array(5).fill(false));
  });

  it('are that of the base URL, too', () => {
    const carriage = new TokenCarriage(sourceOf(), {}, 'https://vault.internal:8200/v1/');
    expect([HERE, NEXT_DOOR].map((url) => carriage.allows(url))).toEqual([true, false]);
  });

  it('are needed', () => {
    expect(() => new TokenCarriage(sourceOf(), {})).toThrow(expect.objectContaining({ option: 'origins' }));
    expect(() => new TokenCarriage(sourceOf(), {}, 'http://vault.internal')).toThrow(
      expect.objectContaining({ code: 'ERR_TOKEN_ORIGIN' }),
    );
  });
});
