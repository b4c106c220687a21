import { TokenExchangeError } from 'projected-token';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { passQuickly, passSeconds, secondsGone } from '../helpers/fake-clock.js';
import { rejectionOf } from '../helpers/federation.js';
import { eachWithKeptToken, type KeptToken } from '../helpers/kept-token.js';

const DOWN = new TokenExchangeError('ERR_EXCHANGE_UNAVAILABLE', 'down');

let side: KeptToken['side'];
let token: KeptToken['token'];
eachWithKeptToken((kept) => {
  ({ side, token } = kept);
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
    expect(side.attempts).toBe(3);
    side.failure = undefined;
    await passSeconds(1);
    await opened;
    expect(side.attempts).toBe(4);
  });

  it('makes one attempt after a pause, whichever of the two timers for it fires first', async () => {
    // A pause of whole milliseconds: both fire in the same one.
    vi.spyOn(Math, 'random').mockReturnValue(0.5);
    onTestFinished(() => void vi.restoreAllMocks());
    side.failure = DOWN;
    const opened = open();
    await passSeconds(0.1);
    side.failure = undefined;
    await passSeconds(2);
    await opened;
    expect(side.attempts).toBe(2);
  });

  it('wakes once for each pause, though a timer knows whole milliseconds only', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.3333);
    onTestFinished(() => void vi.restoreAllMocks());
    side.failure = DOWN;
    const opened = rejectionOf(open());
    await passQuickly(30_000);
    expect(await opened).toBe(DOWN);
  });

  it('tries again a denial that says it may mend, and throws at once what is down for good', async () => {
    side.failure = new TokenExchangeError('ERR_EXCHANGE_DENIED', 'later', { isRetryable: true });
    const opened = open();
    await passSeconds(2.5);
    side.failure = new TokenExchangeError('ERR_EXCHANGE_UNAVAILABLE', 'never', { isRetryable: false });
    const error = rejectionOf(opened);
    await passSeconds(1);
    expect(await error).toBe(side.failure);
    expect(side.attempts).toBe(4);
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
