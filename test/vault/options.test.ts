import type { TokenSource } from 'projected-token';
import { VaultTokenProvider, type VaultTokenProviderOptions } from 'projected-token/vault';
import { describe, expect, it } from 'vitest';

const source: TokenSource = { getToken: async () => 'a-token', replaceToken: async () => undefined };
const GOOD: VaultTokenProviderOptions = { address: 'https://vault.internal:8200', role: 'app', source };

describe('VaultTokenProvider', () => {
  it.each<[string, Partial<VaultTokenProviderOptions>]>([
    ['a URL', { address: new URL('https://vault.internal:8200') }],
    ['a path, as behind a proxy', { address: 'https://proxy.internal/vault/' }],
    ['a mount of several parts', { mount: 'clusters/prod/kubernetes' }],
    ['no time to open', { readyTimeoutMs: 0 }],
    ['what is undefined', { mount: undefined, namespace: undefined, ca: undefined, timeoutMs: undefined }],
  ])('takes %s', (_what, options) => {
    expect(new VaultTokenProvider({ ...GOOD, ...options }).status).toEqual({
      state: 'opening',
      token: undefined,
      lastError: undefined,
      nextAttemptAt: undefined,
      counts: { logins: 0, renewals: 0, failures: 0 },
    });
  });

  it.each<[keyof VaultTokenProviderOptions, unknown]>([
    ['address', undefined],
    ['address', 'vault.internal'],
    ['address', 'unix:///run/vault.sock'],
    ['address', 'https://user:password@vault.internal'],
    ['address', 'https://vault.internal?namespace=team'],
    ['address', 'https://vault.internal#a'],
    ['role', undefined],
    ['role', ''],
    ['role', 7],
    ['source', undefined],
    ['source', { getToken: async () => 'a-token' }],
    ['source', 'a-token'],
    ['mount', ''],
    ['mount', '/'],
    ['mount', 'a//b'],
    ['mount', '../sys'],
    ['mount', 'a/./b'],
    ['origins', ['https://vault.internal/v1']],
    ['origins', ['vault']],
    ['timeoutMs', 0],
    ['timeoutMs', 2 ** 31],
    ['timeoutMs', Number.NaN],
    ['timeoutMs', '10'],
    ['readyTimeoutMs', -1],
    ['readyTimeoutMs', Number.POSITIVE_INFINITY],
  ])('does not take for "%s" the value %j', (option, value) => {
    const create = () => new VaultTokenProvider({ ...GOOD, [option]: value } as VaultTokenProviderOptions);
    expect(create).toThrow(expect.objectContaining({ code: 'ERR_TOKEN_OPTION', option }));
    expect(create).not.toThrow(/password/);
  });

  it('says of an option what is wrong when it is opened, too', async () => {
    await expect(VaultTokenProvider.open({ ...GOOD, role: '' })).rejects.toMatchObject({ option: 'role' });
  });
});
