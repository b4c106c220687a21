import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parseLease, type VaultLease } from '../../src/vault/vault-lease.js';

const NOW = Date.UTC(2026, 2, 1);

beforeEach(() => {
  vi.spyOn(Math, 'random').mockReturnValue(0.5);
});
afterEach(() => {
  vi.restoreAllMocks();
});

function lease(auth: Record<string, unknown>, renewed?: VaultLease): VaultLease {
  const body = {
    lease_duration: 0,
    renewable: false,
    auth: { client_token: 'hvs.1', lease_duration: 600, renewable: true, token_type: 'service', ...auth },
  };
  return parseLease({ status: 200, body, reasons: '' }, NOW, renewed);
}

const shareOf = ({ obtainedAtMs, refreshAtMs, leaseSeconds }: VaultLease) =>
  (refreshAtMs - obtainedAtMs) / (leaseSeconds * 1000);

describe('A lease', () => {
  it('is that of "auth", from the moment of the request on', () => {
    expect(lease({ lease_duration: 120 })).toMatchObject({
      token: 'hvs.1',
      obtainedAtMs: NOW,
      expiresAtMs: NOW + 120_000,
      leaseSeconds: 120,
      isRenewal: false,
    });
  });

  it('is refreshed at about two thirds, by each process at another time', () => {
    const shares = [0, 0.5, 1].map((chance) => {
      vi.mocked(Math.random).mockReturnValue(chance);
      return shareOf(lease({}));
    });
    expect(shares).toEqual([2 / 3 - 0.05, 2 / 3, 2 / 3 + 0.05].map((share) => expect.closeTo(share, 6)));
  });

  it('of 0 seconds never ends, and is never refreshed', () => {
    const endless = { expiresAtMs: Number.POSITIVE_INFINITY, refreshAtMs: Number.POSITIVE_INFINITY };
    expect(lease({ lease_duration: 0 })).toMatchObject(endless);
  });

  it('does not become endless by a renewal that gives no more time', () => {
    expect(lease({ lease_duration: 0 }, lease({})).expiresAtMs).toBe(NOW);
  });

  it.each<[string, Record<string, unknown>, boolean]>([
    ['a service token', {}, true],
    ['a batch token', { renewable: false, token_type: 'batch' }, false],
    ['a token of which it is not said', { renewable: undefined }, false],
    ['a token of which it is said in text', { renewable: 'true' }, false],
  ])('of %s: can it be renewed?', (_what, auth, isRenewable) => {
    expect(lease(auth).isRenewable).toBe(isRenewable);
  });

  it('is renewed again as long as a renewal gives as much as the login did: less is the end near', () => {
    const login = lease({});
    const renewed = lease({}, login);
    expect(renewed).toMatchObject({ isRenewable: true, isRenewal: true, fullLeaseSeconds: 600 });
    expect(lease({ lease_duration: 900 }, renewed)).toMatchObject({ isRenewable: true, isRenewal: true });
    expect(lease({ lease_duration: 599 }, renewed)).toMatchObject({ isRenewable: false, fullLeaseSeconds: 600 });
  });

  it.each([
    ['service', true],
    ['batch', false],
    [undefined, true],
  ])('of a token of the kind %s: can it be revoked?', (token_type, isRevocable) => {
    expect(lease({ token_type }).isRevocable).toBe(isRevocable);
  });

  it.each([
    [
      ['default', 'app'],
      ['default', 'app'],
    ],
    [['app', 1, null], ['app']],
    ['app', []],
  ])('with the policies %j', (policies, expected) => {
    expect(lease({ policies }).policies).toEqual(expected);
  });
});
