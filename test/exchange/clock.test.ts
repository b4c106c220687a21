import { TokenExchangeError } from 'projected-token';
import { describe, expect, it } from 'vitest';
import { passSeconds, setClock } from '../helpers/fake-clock.js';
import { rejectionOf } from '../helpers/federation.js';
import { eachWithKeptToken, type KeptToken, many, outcomes } from '../helpers/kept-token.js';

const DOWN = new TokenExchangeError('ERR_EXCHANGE_UNAVAILABLE', 'down');

let side: KeptToken['side'];
let token: KeptToken['token'];
eachWithKeptToken((kept) => {
  ({ side, token } = kept);
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

  it('a clock that is set back does not delay the refresh', async () => {
    await token.getToken();
    setClock(-86_400);
    await passSeconds(40);
    expect(side.attempts).toBe(2);
    expect(await token.getToken()).toBe('token-2');
  });

  it('a clock that is set back does not delay the expiry', async () => {
    await token.getToken();
    side.failure = DOWN;
    await passSeconds(50);
    setClock(-86_400);
    await passSeconds(10);
    expect(await rejectionOf(token.getToken())).toBe(DOWN);
    expect(side.told).toContain('expired');
  });

  it('a clock that is set back does not make a pause longer', async () => {
    side.failure = DOWN;
    await rejectionOf(token.getToken());
    setClock(-86_400);
    await passSeconds(1);
    expect(side.attempts).toBe(2);
  });

  it('a process that slept past the expiry, after its clock was set back, does not give the old token', async () => {
    await token.getToken();
    side.failure = DOWN;
    setClock(-86_400);
    await passSeconds(40);
    setClock(30);
    expect(await rejectionOf(token.getToken())).toBe(DOWN);
  });

  it('a clock that is set back by a little again and again does not delay the expiry', async () => {
    await token.getToken();
    side.failure = DOWN;
    for (let second = 0; second < 60; second++) {
      expect(token.state).toBe('ready');
      setClock(-0.9);
      await passSeconds(1);
    }
    expect(await rejectionOf(token.getToken())).toBe(DOWN);
  });

  it('a clock that was set back is followed by the times that are shown', async () => {
    await token.getToken();
    setClock(-86_400);
    expect(token.grant!.expiresAtMs - Date.now()).toBe(60_000);
    expect(token.nextAttemptAtMs - Date.now()).toBe(40_000);
  });

  it('a clock that is set back during an exchange makes the token live no longer', async () => {
    const release = side.hold();
    const called = token.getToken();
    await passSeconds(5);
    setClock(-86_400);
    release();
    expect(await called).toBe('token-1');
    expect(token.grant!.expiresAtMs - Date.now()).toBe(55_000);
  });

  it('a clock that goes forth and back again changes nothing', async () => {
    await token.getToken();
    const { grant } = token;
    setClock(10);
    expect(token.state).toBe('ready');
    setClock(-10);
    expect(token.grant).toBe(grant);
  });
});
