import { TokenExchangeError } from 'projected-token';
import { describe, expect, it, vi } from 'vitest';
import { passSeconds, setClock } from '../helpers/fake-clock.js';
import { rejectionOf } from '../helpers/federation.js';
import { eachWithKeptToken, type KeptToken, outcomes } from '../helpers/kept-token.js';

const DOWN = new TokenExchangeError('ERR_EXCHANGE_UNAVAILABLE', 'down');

let side: KeptToken['side'];
let token: KeptToken['token'];
eachWithKeptToken((kept) => {
  ({ side, token } = kept);
});

describe('While the other side is down', () => {
  it('keeps the token in use until it expires, and then says why there is none', async () => {
    await token.getToken();
    side.failure = DOWN;
    await passSeconds(59);
    expect(await token.getToken()).toBe('token-1');
    expect(token.state).toBe('ready');
    await passSeconds(1);
    expect(await rejectionOf(token.getToken())).toBe(DOWN);
    expect(token).toMatchObject({ state: 'expired', grant: undefined, failure: DOWN });
    expect(side.told.filter((what) => what === 'expired')).toHaveLength(1);
  });

  it('has a token again as soon as an attempt succeeds, and forgets the failures', async () => {
    await token.getToken();
    side.failure = DOWN;
    await passSeconds(300);
    side.failure = undefined;
    await passSeconds(300);
    const { attempts } = side;
    expect(await token.getToken()).toBe(`token-${attempts}`);
    expect(token).toMatchObject({ state: 'ready', failure: undefined });
    side.failure = DOWN;
    await passSeconds(41);
    const next = side.pauses.slice(attempts - 1).map((seconds) => Math.round(seconds));
    expect(next.slice(0, 2)).toEqual([40, 1]);
  });

  it('waits longer the longer it lasts, up to five minutes', async () => {
    side.failure = DOWN;
    await rejectionOf(token.getToken());
    await passSeconds(2 * 3600);
    expect(Math.round(side.pauses[0]!)).toBe(1);
    expect(side.pauses.every((seconds, index, all) => index === 0 || seconds > all[index - 1]! - 0.01)).toBe(true);
    expect(Math.round(side.pauses.at(-1)!)).toBe(300);
  });

  it.each([4, 20, 120, 900])('is well again within a quarter of an outage of %i s, or a second', async (seconds) => {
    await token.getToken();
    side.failure = DOWN;
    await passSeconds(40 + seconds);
    side.failure = undefined;
    await passSeconds(Math.max(1, seconds / 4) + 0.1);
    expect(token).toMatchObject({ state: 'ready', failure: undefined });
  });

  it('is asked ever less often, however often callers ask', async () => {
    vi.mocked(Math.random).mockReturnValue(0.5);
    side.failure = DOWN;
    const perMinute: number[] = [];
    for (let minute = 0; minute < 10; minute++) {
      const before = side.attempts;
      for (let second = 0; second < 60; second++) {
        await outcomes([token.getToken(), token.getToken(), token.replaceToken('token-1')]);
        await passSeconds(1);
      }
      perMinute.push(side.attempts - before);
    }
    expect(perMinute[0]).toBeLessThanOrEqual(32);
    expect(perMinute[1]).toBeLessThanOrEqual(7);
    expect(Math.max(...perMinute.slice(4))).toBeLessThanOrEqual(2);
  });

  it.each([30, 1800])('leaves it alone for the %i s that it asks for', async (seconds) => {
    side.failure = new TokenExchangeError('ERR_EXCHANGE_UNAVAILABLE', 'busy', { retryAfterMs: seconds * 1000 });
    await rejectionOf(token.getToken());
    await passSeconds(seconds - 0.1);
    await rejectionOf(token.getToken());
    expect(side.attempts).toBe(1);
    await passSeconds(1.1);
    expect(side.attempts).toBe(2);
  });

  it('takes a grant that has expired on its way for a failure', async () => {
    side.afterObtain = () => setClock(60);
    const error = await rejectionOf(token.getToken());
    expect(error).toMatchObject({ code: 'ERR_EXCHANGE_UNAVAILABLE', message: expect.stringContaining('expired') });
    expect(side.told).toEqual([error.message]);
    await rejectionOf(token.getToken());
    expect(side.attempts).toBe(1);
  });

  it('tells what a source throws that is none of ours with its cause', async () => {
    side.failure = new Error('no file');
    const error = await rejectionOf(token.getToken());
    expect(error).toMatchObject({ code: 'ERR_EXCHANGE_UNAVAILABLE', cause: side.failure });
    expect(error.message).not.toContain('no file');
  });
});
