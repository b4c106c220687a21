import { describe, expect, it } from 'vitest';
import { livesOfTokens } from '../../docs/.vitepress/theme/lives-of-tokens.js';

const DAY = { lifetimeSeconds: 600, syncFactor: 1, cacheSeconds: 300, seed: 1 };

describe('the page "The life of a token"', () => {
  it('shows tokens that the kubelet replaces after 80 % of their lifetime, at a sync', () => {
    const { tokens } = livesOfTokens(DAY);
    expect(tokens.length).toBeGreaterThan(5);
    for (const { fromMs, replacedAtMs } of tokens.slice(0, -1)) {
      expect(replacedAtMs - fromMs).toBeGreaterThanOrEqual(470_000);
      expect(replacedAtMs - fromMs).toBeLessThanOrEqual(570_000);
    }
  });

  it('shows that a cache of 5 min sends expired tokens, and the library none', () => {
    const { cachedTotals, followedTotals } = livesOfTokens(DAY);
    expect(cachedTotals.expiredMs).toBeGreaterThan(0);
    expect(followedTotals).toEqual({ staleMs: 0, expiredMs: 0 });
  });

  it('covers the whole time with spans that follow one another', () => {
    for (const spans of [livesOfTokens(DAY).cached, livesOfTokens(DAY).followed]) {
      expect(spans[0]!.fromMs).toBe(0);
      expect(spans.at(-1)!.toMs).toBe(3_600_000);
      for (const [index, { fromMs }] of spans.entries()) if (index > 0) expect(fromMs).toBe(spans[index - 1]!.toMs);
    }
  });

  it('draws the same for the same numbers', () => {
    expect(livesOfTokens(DAY)).toEqual(livesOfTokens(DAY));
    expect(livesOfTokens({ ...DAY, seed: 2 })).not.toEqual(livesOfTokens(DAY));
  });
});
