import { TokenExchangeError } from 'projected-token';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ExchangedToken, type Grant } from '../../src/exchange/exchanged-token.js';
import { ExchangeSide } from '../helpers/exchange-side.js';
import { fakeClock, passSeconds, realClock, secondsGone, setClock } from '../helpers/fake-clock.js';
import { rejectionOf } from '../helpers/federation.js';

const DOWN = new TokenExchangeError('ERR_EXCHANGE_UNAVAILABLE', 'down');

let side: ExchangeSide;
let token: ExchangedToken<Grant>;

beforeEach(() => {
  fakeClock();
  side = new ExchangeSide();
  token = new ExchangedToken(side);
});

afterEach(async () => {
  await token.close();
  expect(vi.getTimerCount()).toBe(0);
  realClock();
});

/** What callers get who ask at the same time: a token, or the code of an error. */
async function outcomes(calls: Promise<string | undefined>[]): Promise<unknown[]> {
  const settled = await Promise.allSettled(calls);
  return [...new Set(settled.map((call) => (call.status === 'fulfilled' ? call.value : call.reason.code)))];
}

const many = <T>(call: () => T) => Array.from({ length: 1000 }, call);

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

  it('without an expiry needs no timer', async () => {
    side.lifeSeconds = side.refreshSeconds = Number.POSITIVE_INFINITY;
    await token.getToken();
    expect(vi.getTimerCount()).toBe(0);
    expect(token.nextAttemptAtMs).toBe(Number.POSITIVE_INFINITY);
  });
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

  it('waits longer after each failure, up to five minutes', async () => {
    side.failure = DOWN;
    await rejectionOf(token.getToken());
    await passSeconds(3600);
    const rounded = side.pauses.map((seconds) => Math.round(seconds));
    expect(rounded.slice(0, 11)).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
  });

  it('is asked a few times a minute, however often callers ask', async () => {
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
    expect(perMinute[0]).toBe(7);
    expect(Math.max(...perMinute.slice(1))).toBeLessThanOrEqual(1);
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
    side.lifeSeconds = 0;
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

describe('Whatever becomes of the clock', () => {
  it('a process that slept past the expiry gives the next token, not the old one', async () => {
    await token.getToken();
    setClock(3600);
    expect(await outcomes(many(() => token.getToken()))).toEqual(['token-2']);
    expect(side.asked).toEqual([undefined, undefined]);
    expect(side.told).toEqual(['token-1', 'expired', 'token-2']);
  });

  it('a process that slept past the refresh gives the token that is good still, and asks for the next', async () => {
    await token.getToken();
    setClock(45);
    expect(await outcomes(many(() => token.getToken()))).toEqual(['token-1']);
    await passSeconds(0);
    expect(side.attempts).toBe(2);
    expect(await token.getToken()).toBe('token-2');
  });

  it('a process that slept right after an exchange says that the token has expired', async () => {
    side.afterGrant = () => setClock(3600);
    expect(await rejectionOf(token.getToken())).toHaveProperty('code', 'ERR_EXCHANGE_UNAVAILABLE');
    expect(side.told).toEqual(['token-1', 'expired']);
  });

  it('a clock that is set back delays neither the refresh', async () => {
    await token.getToken();
    setClock(-86_400);
    await passSeconds(40);
    expect(side.attempts).toBe(2);
    expect(await token.getToken()).toBe('token-2');
  });

  it('nor the expiry', async () => {
    await token.getToken();
    side.failure = DOWN;
    await passSeconds(50);
    setClock(-86_400);
    await passSeconds(10);
    expect(await rejectionOf(token.getToken())).toBe(DOWN);
    expect(side.told).toContain('expired');
  });

  it('nor the end of a pause', async () => {
    side.failure = DOWN;
    await rejectionOf(token.getToken());
    setClock(-86_400);
    await passSeconds(1);
    expect(side.attempts).toBe(2);
  });

  it('nor what a process learns that sleeps after it', async () => {
    await token.getToken();
    side.failure = DOWN;
    setClock(-86_400);
    await passSeconds(40);
    setClock(30);
    expect(await rejectionOf(token.getToken())).toBe(DOWN);
  });

  it('a clock that goes back and forth by a little changes nothing', async () => {
    await token.getToken();
    const { expiresAtMs } = token.grant!;
    setClock(-0.5);
    await passSeconds(40);
    expect(side.attempts).toBe(1);
    expect(token.grant!.expiresAtMs).toBe(expiresAtMs);
    await passSeconds(0.5);
    expect(side.attempts).toBe(2);
  });
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
    side.isGood = true;
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

describe('Opening', () => {
  const open = (readyTimeoutMs = 30_000, signal?: AbortSignal) => token.open(readyTimeoutMs, signal);

  it('resolves once there is a token', async () => {
    expect(token.state).toBe('opening');
    await open();
    expect(token).toMatchObject({ state: 'ready', grant: { token: 'token-1' } });
  });

  it('tries again what may mend', async () => {
    side.failure = DOWN;
    const opened = open();
    await passSeconds(2.5);
    expect(side.attempts).toBe(2);
    side.failure = undefined;
    await passSeconds(1);
    await opened;
    expect(side.attempts).toBe(3);
  });

  it.each(['ERR_EXCHANGE_DENIED', 'ERR_EXCHANGE_INVALID'] as const)('throws %s at once', async (code) => {
    side.failure = new TokenExchangeError(code, 'no');
    expect(await rejectionOf(open())).toBe(side.failure);
    expect(side.attempts).toBe(1);
  });

  it('throws why there is no token after the time for it', async () => {
    side.failure = DOWN;
    const error = rejectionOf(open(5000));
    await passSeconds(5);
    expect(await error).toBe(DOWN);
    expect(secondsGone()).toBe(5);
  });

  it('says so when there was no answer within that time', async () => {
    side.hold();
    const error = rejectionOf(open(5000));
    await passSeconds(5);
    expect(await error).toMatchObject({
      code: 'ERR_EXCHANGE_UNAVAILABLE',
      message: expect.stringContaining('"readyTimeoutMs"'),
    });
  });

  it('does not ask at the end of that time a server that asked to be left alone for longer', async () => {
    side.failure = new TokenExchangeError('ERR_EXCHANGE_UNAVAILABLE', 'busy', { retryAfterMs: 60_000 });
    const error = rejectionOf(open(5000));
    await passSeconds(5);
    expect(await error).toBe(side.failure);
    expect(side.attempts).toBe(1);
  });

  it('tries once when it has no time', async () => {
    const release = side.hold();
    const opened = open(0);
    await passSeconds(20);
    release();
    await opened;
    expect(token.state).toBe('ready');
  });

  it('throws what came of that one attempt', async () => {
    side.failure = DOWN;
    expect(await rejectionOf(open(0))).toBe(DOWN);
    expect(side.attempts).toBe(1);
  });

  it.each([
    ['an answer', () => side.hold()],
    ['the next attempt', () => (side.failure = DOWN)],
  ])("ends with the caller's signal while it waits for %s", async (_what, arrange) => {
    arrange();
    const controller = new AbortController();
    const error = rejectionOf(open(30_000, controller.signal));
    await passSeconds(0.5);
    controller.abort();
    expect(await error).toHaveProperty('code', 'ERR_TOKEN_ABORTED');
  });

  it('asks nobody when the signal has aborted, or when it was closed', async () => {
    expect(await rejectionOf(open(1000, AbortSignal.abort()))).toHaveProperty('code', 'ERR_TOKEN_ABORTED');
    await token.close();
    expect(await rejectionOf(open())).toHaveProperty('code', 'ERR_TOKEN_CLOSED');
    expect(side.attempts).toBe(0);
  });
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
