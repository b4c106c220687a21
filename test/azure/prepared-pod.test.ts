import { tmpdir } from 'node:os';
import { WorkloadIdentityCredential } from '@azure/identity';
import { BoundToken } from 'projected-token';
import { type FromProjectedTokenOptions, fromProjectedToken } from 'projected-token/azure';
import { EmbeddedEntraId, TokenVolume } from 'projected-token/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  createTestCluster,
  expectNoToken,
  rejectionOf,
  SettableSource,
  type TestCluster,
} from '../helpers/federation.js';
import { thrownBy } from '../helpers/thrown-by.js';

const AUDIENCE = 'api://AzureADTokenExchange';
const VAULT = 'https://vault.azure.net/.default';
const STORAGE = 'https://storage.azure.com/.default';

let cluster: TestCluster;
let entra: EmbeddedEntraId;
let volume: TokenVolume;

beforeEach(async () => {
  cluster = await createTestCluster();
  entra = await EmbeddedEntraId.start({ trust: cluster });
  volume = TokenVolume.temporary(tmpdir(), { fileName: 'azure-identity-token' });
  volume.write(await cluster.mint({ audience: AUDIENCE }));
  // What the webhook of Azure Workload Identity sets.
  vi.stubEnv('AZURE_TENANT_ID', entra.tenantId);
  vi.stubEnv('AZURE_CLIENT_ID', entra.clientId);
  vi.stubEnv('AZURE_FEDERATED_TOKEN_FILE', volume.path);
  vi.stubEnv('AZURE_AUTHORITY_HOST', entra.origin);
});

afterEach(async () => {
  volume[Symbol.dispose]();
  await entra.close();
  vi.unstubAllEnvs();
});

/** What is needed only because this Entra ID is none of Microsoft's. No retries: an outage is an outage at once. */
const here = () => ({
  disableInstanceDiscovery: true,
  tlsOptions: { ca: entra.ca },
  retryOptions: { maxRetries: 0 },
});
const ours = (options: FromProjectedTokenOptions = {}) => fromProjectedToken({ ...here(), ...options });
const theirs = () => new WorkloadIdentityCredential(here());
const rotate = async () => {
  volume.write(await cluster.mint({ audience: AUDIENCE }));
  return BoundToken.parse(volume.content!).fingerprint;
};
const lastExchange = () => entra.exchanges.at(-1);

describe('In a pod that was prepared for Azure', () => {
  it('nothing has to be configured', async () => {
    const token = await ours().getToken(VAULT);
    expect(entra.accepts(token!.token)).toBe(true);
  });

  it('what is said in so many words comes first', async () => {
    vi.stubEnv('AZURE_TENANT_ID', 'none');
    vi.stubEnv('AZURE_CLIENT_ID', 'none');
    vi.stubEnv('AZURE_FEDERATED_TOKEN_FILE', '/nowhere');
    const { tenantId, clientId } = entra;
    expect(await ours({ tenantId, clientId, tokenFilePath: volume.path }).getToken(VAULT)).toBeTruthy();
    const source = new SettableSource(await cluster.mint({ audience: AUDIENCE }));
    expect(await ours({ tenantId, clientId, source }).getToken(VAULT)).toBeTruthy();
    source.current = await cluster.mint({ audience: 'vault' });
    const error = await rejectionOf(ours({ tenantId, clientId, source }).getToken(VAULT));
    expect(error.message).toContain(`"${AUDIENCE}"`);
    expect(entra.exchanges).toHaveLength(2);
  });

  it.each([
    ['AZURE_TENANT_ID', 'tenantId'],
    ['AZURE_CLIENT_ID', 'clientId'],
    ['AZURE_FEDERATED_TOKEN_FILE', 'tokenFilePath'],
  ])('a missing %s is said, and what to check', (variable, option) => {
    vi.stubEnv(variable, undefined);
    const error = thrownBy(() => ours());
    expect(error).toMatchObject({ code: 'ERR_TOKEN_OPTION', option });
    expect(error.message).toContain(`environment variable ${variable} are missing`);
    expect(error.message).toContain('azure.workload.identity/use');
  });
});

describe('Beside WorkloadIdentityCredential of the SDK', () => {
  it('it takes the newest token over rotations, where theirs keeps one for five minutes', async () => {
    const [mine, sdk] = [ours(), theirs()];
    const first = BoundToken.parse(volume.content!).fingerprint;
    await sdk.getToken(VAULT);
    await mine.getToken(VAULT);
    expect(entra.exchanges.map(({ fingerprint }) => fingerprint)).toEqual([first, first]);
    const second = await rotate();
    await sdk.getToken(STORAGE);
    expect(lastExchange()).toEqual({ fingerprint: first, outcome: 'granted' });
    // Each time a scope that it has no access token for.
    let asked = 0;
    await expect
      .poll(async () => {
        await mine.getToken(`https://service-${asked++}.test/.default`);
        return lastExchange();
      })
      .toEqual({ fingerprint: second, outcome: 'granted' });
  });

  it('it is the same in an outage of Entra ID: what is held is given, what is not held is an error', async () => {
    const [mine, sdk] = [ours(), theirs()];
    const held = [(await mine.getToken(VAULT))!.token, (await sdk.getToken(VAULT))!.token];
    await entra.close();
    expect([(await mine.getToken(VAULT))!.token, (await sdk.getToken(VAULT))!.token]).toEqual(held);
    const [error, theirError] = [await rejectionOf(mine.getToken(STORAGE)), await rejectionOf(sdk.getToken(STORAGE))];
    expect(error.name).toBe(theirError.name);
    expectNoToken(error, volume.content!);
  });

  it.each<[string, () => void]>([
    ['is no token', () => volume.corrupt('garbage')],
    ['is empty', () => volume.corrupt('')],
    ['is gone', () => volume.unmount()],
  ])('it has the last good token, where theirs fails, when the file %s', async (_, spoil) => {
    await ours().getToken(VAULT);
    spoil();
    await rejectionOf(theirs().getToken(STORAGE));
    await ours().getToken(STORAGE);
    expect(lastExchange()!.outcome).toBe('granted');
  });
});
