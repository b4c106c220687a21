import { beforeEach, describe, expect, it, vi } from 'vitest';
import { passSeconds } from '../helpers/fake-clock.js';
import { rejectionOf } from '../helpers/federation.js';
import { ATTEMPT_TIMEOUT_MS, eachWithKeptToken, type KeptToken, many, outcomes } from '../helpers/kept-token.js';

const TIMEOUT_SECONDS = ATTEMPT_TIMEOUT_MS / 1000;

let side: KeptToken['side'];
let token: KeptToken['token'];
eachWithKeptToken((kept) => {
  ({ side, token } = kept);
});

describe('An attempt that never ends', () => {
  it('fails at its deadline for all who wait, and the next one is made', async () => {
    side.hold();
    const callers = outcomes(many(() => token.getToken()));
    await passSeconds(TIMEOUT_SECONDS);
    expect(await callers).toEqual(['ERR_EXCHANGE_UNAVAILABLE']);
    expect(side.signal?.aborted).toBe(true);
    side.gate = undefined;
    await passSeconds(1);
    expect(await token.getToken()).toBe('token-2');
  });

  it('does not keep the token in use from expiring', async () => {
    await token.getToken();
    side.hold();
    await passSeconds(60);
    expect(side.attempts).toBe(2);
    expect(token).toMatchObject({ state: 'expired', grant: undefined });
    expect(side.told).toEqual(['token-1', 'expired']);
  });

  it('gives nothing when it ends after its deadline: another one may have', async () => {
    const release = side.hold();
    const late = rejectionOf(token.getToken());
    await passSeconds(TIMEOUT_SECONDS);
    await late;
    release();
    await passSeconds(0);
    expect(token.state).toBe('opening');
  });

  it('does not hold up one who knows of a rejected token', async () => {
    await token.getToken();
    side.hold();
    const replaced = token.replaceToken('token-1');
    await passSeconds(TIMEOUT_SECONDS);
    expect(await replaced).toBeUndefined();
  });

  it('does not hold up the closing', async () => {
    side.hold();
    const caller = rejectionOf(token.getToken());
    await token.close();
    expect(await caller).toHaveProperty('code', 'ERR_TOKEN_CLOSED');
  });
});

describe('A look at a rejected token that never ends', () => {
  beforeEach(async () => {
    await token.getToken();
    side.lifeSeconds = 3600;
    side.verdictOn = () => new Promise(() => {});
  });

  it('ends at the deadline of an attempt: the token is kept', async () => {
    const replaced = token.replaceToken('token-1');
    await passSeconds(TIMEOUT_SECONDS);
    expect(await replaced).toBeUndefined();
    expect(side.attempts).toBe(1);
  });

  it('does not hold up the closing', async () => {
    const caller = rejectionOf(token.replaceToken('token-1'));
    await passSeconds(0);
    await token.close();
    expect(await caller).toHaveProperty('code', 'ERR_TOKEN_CLOSED');
  });
});

describe('A token at hand', () => {
  it('can be peeked at while it can be used', async () => {
    expect(token.peekToken()).toBeUndefined();
    await passSeconds(0);
    expect(token.peekToken()).toBe('token-1');
    side.failure = new Error('down');
    await passSeconds(59);
    expect(token.peekToken()).toBe('token-1');
    await passSeconds(1);
    expect(token.peekToken()).toBeUndefined();
  });

  it('is refreshed when it is due, also where it is only peeked at', async () => {
    await token.getToken();
    vi.setSystemTime(Date.now() + 45_000);
    expect(token.peekToken()).toBe('token-1');
    await passSeconds(0);
    expect(token.peekToken()).toBe('token-2');
  });
});

describe('A life that is too short', () => {
  it.each([0.01, 0.9])('of %d s counts as a failure, so that a pause follows', async (seconds) => {
    side.lifeSeconds = seconds;
    side.refreshSeconds = seconds / 2;
    expect(await rejectionOf(token.getToken())).toMatchObject({
      code: 'ERR_EXCHANGE_UNAVAILABLE',
      message: expect.stringContaining(`${seconds} s`),
    });
    await passSeconds(0.9);
    expect(side.attempts).toBe(1);
  });

  it('of a second leads to one exchange a second at the most', async () => {
    side.lifeSeconds = 1;
    side.refreshSeconds = 0.001;
    for (let call = 0; call < 100; call++) {
      await token.getToken();
      await passSeconds(0.1);
    }
    expect(side.attempts).toBeLessThanOrEqual(11);
  });
});
