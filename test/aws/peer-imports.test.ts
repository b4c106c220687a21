import { describe, expect, it, vi } from 'vitest';

const loaded: string[] = [];

vi.mock('@aws-sdk/credential-provider-web-identity', () => {
  loaded.push('aws');
  return { fromWebToken: () => async () => ({ accessKeyId: 'id', secretAccessKey: 'secret' }) };
});
vi.mock('google-auth-library', () => {
  loaded.push('google');
  return {};
});
vi.mock('@azure/identity', () => {
  loaded.push('azure');
  return {};
});

describe('the cloud adapters', () => {
  it('load no SDK when they are imported, and the one of AWS at the first exchange', async () => {
    const { fromProjectedToken } = await import('projected-token/aws');
    await import('projected-token/google');
    await import('projected-token/azure');
    expect(loaded).toEqual([]);
    const source = { getToken: async () => 'token', replaceToken: async () => undefined };
    await fromProjectedToken({ source, roleArn: 'role', audience: false })();
    expect(loaded).toEqual(['aws']);
  });
});
