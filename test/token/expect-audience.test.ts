import { describe, expect, it } from 'vitest';
import { expectAudience } from '../../src/token/expect-audience.js';

function tokenWith(claims: Record<string, unknown>): string {
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${encode({ alg: 'ES256' })}.${encode(claims)}.c2lnbmF0dXJl`;
}

describe('expectAudience', () => {
  it.each([
    ['vault', 'vault'],
    [['vault', 'other'], 'vault'],
    ['vault', ['other', 'vault']],
    [
      ['a', 'b'],
      ['b', 'c'],
    ],
  ])('accepts the audience %j where %j is expected', (aud, expected) => {
    expect(() => expectAudience(tokenWith({ aud }), expected)).not.toThrow();
  });

  it.each([
    ['vault', 'other', ['vault']],
    [
      ['a', 'b'],
      ['c', 'd'],
      ['a', 'b'],
    ],
    [undefined, 'vault', []],
    ['Vault', 'vault', ['Vault']],
    ['vaults', 'vault', ['vaults']],
  ])('refuses the audience %j where %j is expected, and names both', (aud, expected, found) => {
    expect(() => expectAudience(tokenWith({ aud }), expected)).toThrow(
      expect.objectContaining({ code: 'ERR_TOKEN_AUDIENCE', claim: 'aud', expected: [expected].flat(), found }),
    );
  });

  it('refuses a text that is no JWT, without a word of it', () => {
    expect(() => expectAudience('hvs.not-a-jwt', 'vault')).toThrow(
      expect.objectContaining({ code: 'ERR_TOKEN_MALFORMED', message: expect.not.stringContaining('hvs') }),
    );
  });

  it('looks at nothing when the check is off', () => {
    expect(() => expectAudience('hvs.not-a-jwt', false)).not.toThrow();
  });
});
