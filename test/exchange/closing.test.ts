import { describe, expect, it } from 'vitest';
import { passSeconds, setClock } from '../helpers/fake-clock.js';
import { rejectionOf } from '../helpers/federation.js';
import { eachWithKeptToken, type KeptToken, many, outcomes } from '../helpers/kept-token.js';

let side: KeptToken['side'];
let token: KeptToken['token'];
eachWithKeptToken((kept) => {
  ({ side, token } = kept);
});

describe('Closing', () => {
  it('gives back the grant that was in use, and ends everything', async () => {
    await token.getToken();
    const { grant } = token;
    expect(await token.close()).toBe(grant);
    expect(token).toMatchObject({ state: 'closed', grant: undefined, nextAttemptAtMs: Number.POSITIVE_INFINITY });
    const calls = [token.getToken(), token.replaceToken('token-1'), token.replaceToken('another')];
    expect(await outcomes(calls)).toEqual(['ERR_TOKEN_CLOSED']);
    await passSeconds(3600);
    expect(side.attempts).toBe(1);
  });

  it('gives back nothing when the grant has expired', async () => {
    await token.getToken();
    setClock(3600);
    expect(await token.close()).toBeUndefined();
  });

  it.each([
    ['an exchange', () => token.getToken()],
    ['an opening', () => token.open(30_000, undefined).then(() => 'opened')],
  ])('ends %s that is under way, though the other side does not answer', async (_what, call) => {
    side.hold();
    const waiting = many(call);
    expect(await token.close()).toBeUndefined();
    expect(await outcomes(waiting)).toEqual(['ERR_TOKEN_CLOSED']);
    expect(side.signal!.aborted).toBe(true);
    expect(side.told).toEqual([]);
  });

  it('takes no grant that comes after it', async () => {
    const release = side.hold();
    const waiting = rejectionOf(token.getToken());
    const closed = token.close();
    release();
    await Promise.all([closed, waiting, passSeconds(0)]);
    expect(token).toMatchObject({ state: 'closed', grant: undefined });
    expect(side.told).toEqual([]);
  });

  it.each(Array.from({ length: 12 }, (_, count) => count))(
    'keeps no grant that comes at the same time, %i microtasks after it was asked for',
    async (count) => {
      const waiting = Promise.allSettled([token.getToken()]);
      for (let microtask = 0; microtask < count; microtask++) await undefined;
      await token.close();
      await waiting;
      expect(token).toMatchObject({ state: 'closed', grant: undefined });
    },
  );

  it('ends a replacement that is under way', async () => {
    await token.getToken();
    side.hold();
    const waiting = many(() => token.replaceToken('token-1'));
    await passSeconds(0);
    await token.close();
    expect(await outcomes(waiting)).toEqual(['ERR_TOKEN_CLOSED']);
  });

  it('may be done by who is told of a grant', async () => {
    side.afterGrant = () => void token.close();
    expect(await rejectionOf(token.getToken())).toHaveProperty('code', 'ERR_TOKEN_CLOSED');
    expect(side.told).toEqual(['token-1']);
  });
});
