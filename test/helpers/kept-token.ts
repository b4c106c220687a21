import { afterEach, beforeEach, expect, vi } from 'vitest';
import { ExchangedToken } from '../../src/exchange/exchanged-token.js';
import type { Grant } from '../../src/exchange/grant.js';
import { ExchangeSide } from './exchange-side.js';
import { fakeClock, realClock } from './fake-clock.js';

/** Deadline of an attempt. */
export const ATTEMPT_TIMEOUT_MS = 30_000;

/** A token that is kept fresh, on a clock of the test: anew for each test, and closed after it. */
export interface KeptToken {
  readonly side: ExchangeSide;
  readonly token: ExchangedToken<Grant>;
}

/** Calls `use` before each test of a file with what it tests. */
export function eachWithKeptToken(use: (kept: KeptToken) => void): void {
  let token: ExchangedToken<Grant>;
  beforeEach(() => {
    fakeClock();
    const side = new ExchangeSide();
    token = new ExchangedToken(side, ATTEMPT_TIMEOUT_MS);
    use({ side, token });
  });
  afterEach(async () => {
    await token.close();
    expect(vi.getTimerCount()).toBe(0);
    realClock();
  });
}

/** What callers get who ask at the same time: a token, or the code of an error. */
export async function outcomes(calls: Promise<string | undefined>[]): Promise<unknown[]> {
  const settled = await Promise.allSettled(calls);
  return [...new Set(settled.map((call) => (call.status === 'fulfilled' ? call.value : call.reason.code)))];
}

/** A thousand callers. */
export function many<T>(call: () => T): T[] {
  return Array.from({ length: 1000 }, call);
}
