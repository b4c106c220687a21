import { type BoundToken, type ProjectedTokenError, TokenFileError } from 'projected-token';
import { beforeEach, describe, expect, it } from 'vitest';
import type { TokenInUse } from '../../src/provider/token-in-use.js';
import { at, malformed, mint, recordedTokenInUse } from '../helpers/recorded-token-in-use.js';

const missing = () => new TokenFileError('ERR_TOKEN_NOT_FOUND', 'no file');

let told: unknown[][];
let inUse: TokenInUse;
let first: BoundToken;
let second: BoundToken;

beforeEach(async () => {
  ({ inUse, told } = recordedTokenInUse());
  [first, second] = [await mint(), await mint()];
});

describe('before the first token', () => {
  it('there is nothing to use, and nothing to be told', () => {
    expect(inUse).toMatchObject({
      state: 'opening',
      current: undefined,
      last: undefined,
      cached: undefined,
      overdue: false,
      failure: undefined,
      lastRotationAtMs: undefined,
      rotations: 0,
      rejections: 0,
    });
    expect(inUse.usable(at(0))).toBeUndefined();
    expect(inUse.unusableError(at(0))).toBeUndefined();
    inUse.passTime(at(10_000));
    expect(told).toEqual([]);
  });

  it('the file is looked at as one that should change any moment, and time alone changes nothing', () => {
    expect(inUse.isCalm(at(0))).toBe(false);
    expect(inUse.nextMarkMs(at(0))).toBe(Number.POSITIVE_INFINITY);
  });

  it('what is wrong with the file is why there is none', () => {
    const error = malformed();
    inUse.reject(error, 'x', at(0));
    expect(inUse.unusableError(at(0))).toBe(error);
    expect(inUse.state).toBe('opening');
  });
});

describe('the first token', () => {
  it('is in use, and no rotation', async () => {
    expect(inUse.accept(first, at(0))).toBe(false);
    expect(inUse).toMatchObject({ state: 'ready', current: first, last: first, rotations: 0 });
    expect(inUse.usableUntilMs).toBe(at(590));
    expect(await inUse.cached).toBe(first.value);
    expect(told).toEqual([]);
  });

  it('is used for as long as the clock allows', () => {
    inUse.accept(first, at(0));
    expect(inUse.usable(at(590) - 1)).toBe(first);
    expect(inUse.usable(at(590))).toBeUndefined();
  });

  it('is not in use when it expired while it was examined', () => {
    expect(inUse.accept(first, at(590))).toBe(false);
    expect(inUse).toMatchObject({ state: 'opening', current: undefined });
    expect(inUse.unusableError(at(590))).toMatchObject({ code: 'ERR_TOKEN_EXPIRED', expiresAt: new Date(at(600)) });
  });
});

describe('another token', () => {
  beforeEach(() => {
    inUse.accept(first, at(0));
  });

  it('takes the place of the one before, which is told', async () => {
    expect(inUse.accept(second, at(5))).toBe(true);
    expect(told).toEqual([['rotated', { current: second, previous: first }]]);
    expect(inUse).toMatchObject({ current: second, last: second, rotations: 1, lastRotationAtMs: at(5) });
    expect(await inUse.cached).toBe(second.value);
    inUse.accept(first, at(6));
    expect(inUse).toMatchObject({ rotations: 2, lastRotationAtMs: at(6) });
  });

  it('that is the same is none', () => {
    const { cached } = inUse;
    expect(inUse.accept(first, at(5))).toBe(false);
    expect(told).toEqual([]);
    expect(inUse.cached).toBe(cached);
    expect(inUse.lastRotationAtMs).toBeUndefined();
  });

  it('with another life is used for that', async () => {
    inUse.accept(await mint({ expiresInSeconds: 3600 }), at(5));
    expect(inUse.usableUntilMs).toBe(at(3590));
  });
});

describe('what is not acceptable', () => {
  beforeEach(() => {
    inUse.accept(first, at(0));
  });

  it('leaves the token in use, is told with its reason, and counted', () => {
    const error = malformed();
    inUse.reject(error, 'x', at(5));
    expect(told).toEqual([['rejected', { error }]]);
    expect(inUse).toMatchObject({ state: 'ready', current: first, rejections: 1, failure: { error, atMs: at(5) } });
    expect(inUse.usable(at(5))).toBe(first);
  });

  it.each<[string, [ProjectedTokenError, string][], number]>([
    [
      'once for the same content',
      [
        [malformed(), 'x'],
        [malformed(), 'x'],
        [malformed(), 'x'],
      ],
      1,
    ],
    [
      'anew for another content',
      [
        [malformed(), 'x'],
        [malformed(), 'y'],
      ],
      2,
    ],
    [
      'anew for another reason',
      [
        [malformed(), ''],
        [missing(), ''],
      ],
      2,
    ],
    [
      'anew each time that it changes',
      [
        [malformed(), 'x'],
        [missing(), ''],
        [malformed(), 'x'],
      ],
      3,
    ],
  ])('is told %s, and counted each time', (_, rejections, times) => {
    for (const [error, content] of rejections) inUse.reject(error, content, at(5));
    expect(told.map(([event]) => event)).toEqual(Array.from({ length: times }, () => 'rejected'));
    expect(inUse.rejections).toBe(rejections.length);
  });

  it('is told anew after a good token came in between', () => {
    inUse.reject(malformed(), 'x', at(5));
    inUse.accept(first, at(6));
    expect(inUse.failure).toBeUndefined();
    inUse.reject(malformed(), 'x', at(7));
    expect(told).toHaveLength(2);
  });

  it('keeps the time of its last appearance', () => {
    inUse.reject(malformed(), 'x', at(5));
    inUse.reject(malformed(), 'x', at(6));
    expect(inUse.failure?.atMs).toBe(at(6));
  });

  it.each([
    [new TypeError('a mistake'), new TypeError('a mistake')],
    ['a text', new Error('a text')],
  ])('for no reason that is known (%o) is an error', (thrown, error) => {
    inUse.reject(thrown, 'x', at(5));
    expect(told).toEqual([['error', error]]);
    expect(inUse).toMatchObject({ rejections: 0, failure: undefined });
  });

  it('is the cause when the token has expired', () => {
    const error = missing();
    inUse.reject(error, '', at(5));
    expect(inUse.unusableError(at(700))).toMatchObject({ code: 'ERR_TOKEN_EXPIRED', cause: error });
  });
});

describe('when it is closed', () => {
  it('nothing of a token is left', () => {
    inUse.accept(first, at(0));
    inUse.close();
    expect(inUse).toMatchObject({ state: 'closed', current: undefined, last: undefined, cached: undefined });
    expect(inUse.usable(at(0))).toBeUndefined();
    expect(inUse.usableUntilMs).toBe(Number.NEGATIVE_INFINITY);
  });
});
