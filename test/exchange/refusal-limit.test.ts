import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RefusalLimit } from '../../src/exchange/refusal-limit.js';

const NOW = Date.UTC(2026, 2, 1);
const MINUTE = 60_000;

beforeEach(() => {
  vi.spyOn(Math, 'random').mockReturnValue(1);
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** A token that was refused, `ageMs` after it was given. */
function refuse(limit: RefusalLimit, atMs: number, ageMs = 0): void {
  limit.count(atMs - ageMs, atMs);
}

describe('RefusalLimit', () => {
  it('allows three tokens in a row that were refused soon, and pauses longer after each one more', () => {
    const limit = new RefusalLimit();
    for (let refusal = 1; refusal <= 3; refusal++) {
      refuse(limit, NOW);
      expect(limit.allows(NOW)).toBe(true);
    }
    for (const pauseMs of [1000, 2000, 4000]) {
      refuse(limit, NOW);
      expect(limit.allows(NOW + pauseMs - 1)).toBe(false);
      expect(limit.allows(NOW + pauseMs)).toBe(true);
    }
  });

  it('begins anew with a token that had worked for more than a minute: that one was revoked', () => {
    const limit = new RefusalLimit();
    for (let refusal = 1; refusal <= 9; refusal++) refuse(limit, NOW);
    const later = NOW + 10 * MINUTE;
    for (let refusal = 1; refusal <= 20; refusal++) {
      refuse(limit, later, MINUTE + 1);
      expect(limit.allows(later)).toBe(true);
    }
    refuse(limit, later, MINUTE);
    refuse(limit, later, MINUTE);
    refuse(limit, later, MINUTE);
    expect(limit.allows(later + 999)).toBe(false);
    expect(limit.allows(later + 1000)).toBe(true);
  });
});
