import { TokenExchangeError } from 'projected-token';
import { describe, expect, it, vi } from 'vitest';
import { passSeconds } from '../helpers/fake-clock.js';
import { rejectionOf } from '../helpers/federation.js';
import { eachWithKeptToken, type KeptToken, many, outcomes } from '../helpers/kept-token.js';

const DOWN = new TokenExchangeError('ERR_EXCHANGE_UNAVAILABLE', 'down');

let side: KeptToken['side'];
let token: KeptToken['token'];
eachWithKeptToken((kept) => {
  ({ side, token } = kept);
});

describe('An exchanged token', () => {
  it('is exchanged once, however many callers wait for the first', async () => {
    expect(await outcomes(many(() => token.getToken()))).toEqual(['token-1']);
    expect(side.attempts).toBe(1);
  });

  it('is given as one promise while it is fresh', async () => {
    await token.getToken();
    expect(token.getToken()).toBe(token.getToken());
  });

  it('has one failed attempt for all who wait, and none in the pause that follows', async () => {
    side.failure = DOWN;
    expect(await outcomes(many(() => token.getToken()))).toEqual(['ERR_EXCHANGE_UNAVAILABLE']);
    expect(await outcomes(many(() => token.getToken()))).toEqual(['ERR_EXCHANGE_UNAVAILABLE']);
    expect(side.attempts).toBe(1);
    expect(await rejectionOf(token.getToken())).toBe(DOWN);
  });

  it('follows the one in use ahead of its expiry, without anybody asking', async () => {
    await token.getToken();
    const first = token.grant;
    await passSeconds(39);
    expect(side.attempts).toBe(1);
    await passSeconds(1);
    expect(side.asked).toEqual([undefined, first]);
    expect(await token.getToken()).toBe('token-2');
    expect(side.told).toEqual(['token-1', 'token-2']);
  });

  it('stays in use while the next is on its way', async () => {
    await token.getToken();
    const release = side.hold();
    await passSeconds(50);
    expect(side.attempts).toBe(2);
    expect(await outcomes(many(() => token.getToken()))).toEqual(['token-1']);
    release();
    await passSeconds(0);
    expect(await token.getToken()).toBe('token-2');
  });

  it('is not asked for again by a caller who gives up, nor taken from the others', async () => {
    const release = side.hold();
    const controller = new AbortController();
    const impatient = rejectionOf(token.getToken({ signal: controller.signal }));
    const patient = token.getToken();
    controller.abort(new Error('enough'));
    expect(await impatient).toMatchObject({ code: 'ERR_TOKEN_ABORTED', cause: new Error('enough') });
    expect(side.signal!.aborted).toBe(false);
    release();
    expect(await patient).toBe('token-1');
    expect(side.attempts).toBe(1);
  });

  it('is not given to a caller whose signal has aborted', async () => {
    await token.getToken();
    const signal = AbortSignal.abort();
    expect(await rejectionOf(token.getToken({ signal }))).toHaveProperty('code', 'ERR_TOKEN_ABORTED');
    expect(await rejectionOf(token.replaceToken('token-1', { signal }))).toHaveProperty('code', 'ERR_TOKEN_ABORTED');
  });

  it('never runs out of time for a timer: a life of years is refreshed when it is due', async () => {
    const days = 86_400;
    side.lifeSeconds = 365 * days;
    side.refreshSeconds = 240 * days;
    await token.getToken();
    await passSeconds(240 * days - 1);
    expect(side.attempts).toBe(1);
    await passSeconds(1);
    expect(side.attempts).toBe(2);
  });

  it('that says to be refreshed after it has expired is followed when it expires', async () => {
    side.refreshSeconds = 3600;
    await token.getToken();
    expect(token.nextAttemptAtMs).toBe(token.grant!.expiresAtMs);
    await passSeconds(60);
    expect(side.attempts).toBe(2);
  });

  it('without an expiry needs no timer', async () => {
    side.lifeSeconds = side.refreshSeconds = Number.POSITIVE_INFINITY;
    await token.getToken();
    expect(vi.getTimerCount()).toBe(0);
    expect(token.nextAttemptAtMs).toBe(Number.POSITIVE_INFINITY);
  });
});
