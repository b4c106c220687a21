import type { BoundToken } from 'projected-token';
import { beforeEach, describe, expect, it } from 'vitest';
import type { TokenInUse } from '../../src/provider/token-in-use.js';
import { at, malformed, mint, recordedTokenInUse } from '../helpers/recorded-token-in-use.js';

let told: unknown[][];
let inUse: TokenInUse;
let first: BoundToken;

beforeEach(async () => {
  ({ inUse, told } = recordedTokenInUse());
  first = await mint();
});

describe('time', () => {
  beforeEach(() => {
    inUse.accept(first, at(0));
  });

  it('makes a token overdue, once', () => {
    inUse.passTime(at(570) - 1);
    expect(inUse.overdue).toBe(false);
    inUse.passTime(at(570));
    inUse.passTime(at(571));
    expect(inUse).toMatchObject({ overdue: true, state: 'ready' });
    expect(told).toEqual([['overdue', { current: first }]]);
  });

  it('makes a token expire, once', () => {
    inUse.passTime(at(570));
    inUse.passTime(at(590) - 1);
    expect(inUse.current).toBe(first);
    inUse.passTime(at(590));
    inUse.passTime(at(591));
    expect(inUse).toMatchObject({ state: 'expired', current: undefined, last: first });
    expect(told.slice(1)).toEqual([['expired', { previous: first }]]);
  });

  it('that passed in sleep makes it expire without being overdue', () => {
    inUse.passTime(at(10_000));
    expect(told).toEqual([['expired', { previous: first }]]);
  });

  it('does nothing to a token that came in time', async () => {
    inUse.passTime(at(570));
    const next = await mint({ issuedAt: new Date(at(575)) });
    inUse.accept(next, at(575));
    expect(inUse.overdue).toBe(false);
    inUse.passTime(at(600));
    expect(told.map(([event]) => event)).toEqual(['overdue', 'rotated']);
  });

  it('is survived by another token: it is told as a rotation, and as recovery', async () => {
    inUse.passTime(at(590));
    told.length = 0;
    const next = await mint({ issuedAt: new Date(at(600)) });
    expect(inUse.accept(next, at(600))).toBe(true);
    expect(told).toEqual([
      ['rotated', { current: next, previous: first }],
      ['recovered', { current: next }],
    ]);
    expect(inUse.state).toBe('ready');
  });

  it('that was set back makes the same token recover', () => {
    inUse.passTime(at(590));
    told.length = 0;
    expect(inUse.accept(first, at(500))).toBe(false);
    expect(told).toEqual([['recovered', { current: first }]]);
    expect(inUse.current).toBe(first);
  });

  it('does not make a token recover that is there still', () => {
    inUse.passTime(at(590));
    expect(inUse.accept(first, at(595))).toBe(false);
    expect(inUse).toMatchObject({ state: 'expired', current: undefined });
    expect(told).toHaveLength(1);
  });
});

describe('the file', () => {
  it.each([
    [0, true],
    [479.999, true],
    [480, false],
    [580, false],
  ])('%d s after the token was issued is looked at in calm: %s', (seconds, isCalm) => {
    inUse.accept(first, at(0));
    expect(inUse.isCalm(at(seconds))).toBe(isCalm);
  });

  it('that is not acceptable is not', () => {
    inUse.accept(first, at(0));
    inUse.reject(malformed(), 'x', at(5));
    expect(inUse.isCalm(at(5))).toBe(false);
  });

  it('whose token has expired is not', () => {
    inUse.accept(first, at(0));
    inUse.passTime(at(590));
    expect(inUse.isCalm(at(0))).toBe(false);
  });

  it('whose token has no schedule is, for as long as the token is used', async () => {
    inUse.accept(await mint({ claims: { iat: undefined, nbf: undefined } }), at(0));
    expect(inUse.isCalm(at(589))).toBe(true);
    expect(inUse.nextMarkMs(at(0))).toBe(at(590));
    inUse.passTime(at(589));
    expect(told).toEqual([]);
  });
});

describe('the next moment at which time changes something', () => {
  it.each([
    [0, 480],
    [479, 480],
    [480, 570],
    [569, 570],
    [570, 590],
    [589, 590],
    [590, Number.POSITIVE_INFINITY],
    [10_000, Number.POSITIVE_INFINITY],
  ])('after %i s is at %d s', (seconds, next) => {
    inUse.accept(first, at(0));
    expect(inUse.nextMarkMs(at(seconds))).toBe(at(next));
  });
});
