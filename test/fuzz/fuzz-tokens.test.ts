import { describe, expect, it } from 'vitest';
import { fuzzTokens } from './fuzz-tokens.js';

describe('token files and claims of every kind', () => {
  it('are accepted or refused with a typed error, as a second reading of the rules says, quickly', {
    timeout: 300_000,
  }, async () => {
    const report = await fuzzTokens(20_000, 1);
    expect(report.findings).toEqual([]);
    // The inputs reach both verdicts, and every reason to refuse.
    expect(report.accepted).toBeGreaterThan(1000);
    expect(Object.keys(report.refused).sort()).toEqual([
      'ERR_TOKEN_AUDIENCE',
      'ERR_TOKEN_EMPTY',
      'ERR_TOKEN_EXPIRED',
      'ERR_TOKEN_ISSUER',
      'ERR_TOKEN_MALFORMED',
      'ERR_TOKEN_NOT_YET_VALID',
      'ERR_TOKEN_NO_EXPIRY',
      'ERR_TOKEN_TOO_LARGE',
    ]);
  });
});
