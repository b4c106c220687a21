import { TokenExchangeError } from 'projected-token';
import { beforeEach, describe, expect, it } from 'vitest';
import { passSeconds } from '../helpers/fake-clock.js';
import { eachWithKeptToken, type KeptToken, many, outcomes } from '../helpers/kept-token.js';

const DOWN = new TokenExchangeError('ERR_EXCHANGE_UNAVAILABLE', 'down');

let side: KeptToken['side'];
let token: KeptToken['token'];
eachWithKeptToken((kept) => {
  ({ side, token } = kept);
});

describe('A token that was refused', () => {
  beforeEach(() => token.getToken());

  it('is exchanged once for all who say so, and owes nothing to the one refused', async () => {
    expect(await outcomes(many(() => token.replaceToken('token-1')))).toEqual(['token-2']);
    expect(side).toMatchObject({ asked: [undefined, undefined], looks: 1 });
  });

  it('is not exchanged when another is in use by now', async () => {
    await token.replaceToken('token-1');
    expect(await token.replaceToken('token-1')).toBe('token-2');
    expect(side.attempts).toBe(2);
  });

  it('is not exchanged when the other side accepts it all the same', async () => {
    side.verdict = 'accepted';
    expect(await outcomes(many(() => token.replaceToken('token-1')))).toEqual([undefined]);
    expect(side).toMatchObject({ looks: 1, attempts: 1 });
  });

  it('waits for the exchange that is under way', async () => {
    const release = side.hold();
    await passSeconds(40);
    const replacement = token.replaceToken('token-1');
    release();
    expect(await replacement).toBe('token-2');
    expect(side.attempts).toBe(2);
  });

  it('is exchanged after a renewal that was under way, and kept it', async () => {
    side.isRenewing = true;
    const release = side.hold();
    await passSeconds(40);
    const replacement = token.replaceToken('token-1');
    release();
    expect(await replacement).toBe('token-3');
    expect(side.asked.map((inUse) => inUse?.token)).toEqual([undefined, 'token-1', undefined]);
  });

  it('is kept when there is no other, and asked for no more in the pause that follows', async () => {
    side.failure = DOWN;
    expect(await outcomes(many(() => token.replaceToken('token-1')))).toEqual([undefined]);
    expect(await outcomes(many(() => token.replaceToken('token-1')))).toEqual([undefined]);
    expect(side.attempts).toBe(2);
    expect(await token.getToken()).toBe('token-1');
  });

  it('is exchanged a few times a minute where every new one is refused as well, however often it is said', async () => {
    for (let second = 0; second < 600; second++) {
      for (let call = 0; call < 5; call++) await token.replaceToken(await token.getToken());
      await passSeconds(1);
    }
    expect(side.askedAtMs.filter((ms) => ms < side.askedAtMs[0]! + 1000)).toHaveLength(5);
    // Refreshes included: one each 40 s where nothing is refused.
    expect(side.attempts).toBeLessThan(5 + 9 + 600 / 40);
  });

  it('can be one that has never been given', async () => {
    expect(await token.replaceToken('another')).toBe('token-1');
    expect(side.attempts).toBe(1);
  });
});
