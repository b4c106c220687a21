import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GoogleAuth } from 'google-auth-library';
import { BoundToken } from 'projected-token';
import { fromProjectedToken } from 'projected-token/google';
import { EmbeddedGoogleSts, TokenVolume } from 'projected-token/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  createTestCluster,
  expectNoToken,
  rejectionOf,
  SettableSource,
  type TestCluster,
} from '../helpers/federation.js';
import { temporaryDirectory } from '../helpers/temporary-directory.js';

const EMAIL = 'app@test-project.iam.gserviceaccount.com';
const FLEET = 'my-project.svc.id.goog';

let cluster: TestCluster;
let google: EmbeddedGoogleSts;
let volume: TokenVolume;

beforeEach(async () => {
  cluster = await createTestCluster();
  await start();
  volume = TokenVolume.temporary(tmpdir(), { fileName: 'token' });
  await rotate();
});

afterEach(async () => {
  volume[Symbol.dispose]();
  await google.close();
  vi.unstubAllEnvs();
});

async function start(audiences?: readonly string[]): Promise<void> {
  await google?.close();
  google = await EmbeddedGoogleSts.start({ trust: cluster, serviceAccounts: [EMAIL], ...(audiences && { audiences }) });
}

async function rotate(audience = google.audience): Promise<string> {
  volume.write(await cluster.mint({ audience }));
  return BoundToken.parse(volume.content!).fingerprint;
}

/** What `gcloud iam workload-identity-pools create-cred-config` writes, with the addresses of this Google. */
async function prepare(configuration: object = {}): Promise<void> {
  const file = join(await temporaryDirectory(), 'credentials.json');
  const all = {
    type: 'external_account',
    audience: google.audience,
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    token_url: google.tokenUrl,
    cloud_resource_manager_url: google.cloudResourceManagerUrl,
    credential_source: { file: volume.path, format: { type: 'text' } },
    ...configuration,
  };
  await writeFile(file, JSON.stringify(all));
  vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', file);
}

const impersonated = () => ({ service_account_impersonation_url: google.impersonationUrl(EMAIL) });
const ours = async () => (await fromProjectedToken()).getAccessToken();
const theirs = async () => {
  const scopes = 'https://www.googleapis.com/auth/cloud-platform';
  return (await new GoogleAuth({ scopes }).getClient()).getAccessToken();
};
const lastExchange = () => google.exchanges.at(-1);

describe('In a pod that was prepared for Google Cloud, nothing has to be configured', () => {
  it('for federated identities', async () => {
    await prepare();
    const client = await fromProjectedToken();
    const { data } = await client.request({ url: `${google.cloudResourceManagerUrl}123456789` });
    expect(data).toMatchObject({ projectId: 'test-project' });
    expect(google.impersonationRequests).toBe(0);
  });

  it('for a service account that is impersonated', async () => {
    await prepare(impersonated());
    const client = await fromProjectedToken();
    const { data } = await client.request({ url: `${google.cloudResourceManagerUrl}123456789` });
    expect(data).toMatchObject({ projectId: 'test-project' });
    expect(google.impersonationRequests).toBe(1);
  });

  it.each(['https://iam.googleapis.com/x', FLEET, 'openshift'])(
    'for a pool that takes tokens for the audience %s',
    async (audience) => {
      await start([audience]);
      await rotate(audience);
      await prepare();
      expect((await ours()).token).toMatch(/^ya29/);
    },
  );

  it('for a GKE fleet, whose tokens are for the pool', async () => {
    await prepare({ audience: `identitynamespace:${FLEET}:https://gkehub.googleapis.com/p` });
    await rotate(FLEET);
    // This Google is asked all the same: that it knows no fleet is its own error, not one of the audience of the token.
    expect(await rejectionOf(ours())).toMatchObject({ message: expect.stringContaining('invalid_target') });
    const source = new SettableSource(await cluster.mint({ audience: FLEET }));
    const checked = await fromProjectedToken({ source });
    expect(await rejectionOf(checked.getAccessToken())).toMatchObject({
      message: expect.stringContaining('invalid_target'),
    });
    source.current = await cluster.mint({ audience: google.audience });
    expect(await rejectionOf(checked.getAccessToken())).toMatchObject({ code: 'ERR_TOKEN_AUDIENCE' });
  });

  it('and what is said in so many words comes first', async () => {
    await prepare();
    const keyFile = process.env.GOOGLE_APPLICATION_CREDENTIALS!;
    vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', '/nowhere');
    const scopes = ['https://www.googleapis.com/auth/devstorage.read_only'];
    const client = await fromProjectedToken({ keyFile, scopes });
    expect(client.scopes).toEqual(scopes);
    expect((await client.getAccessToken()).token).toMatch(/^ya29/);
    const strict = await fromProjectedToken({ keyFile, audience: 'vault' });
    expect(await rejectionOf(strict.getAccessToken())).toMatchObject({ code: 'ERR_TOKEN_AUDIENCE' });
  });

  it.each<[string, object, string]>([
    [
      'a key of a service account',
      { type: 'service_account' },
      'is of the type "service_account", not "external_account"',
    ],
    [
      'a program',
      { credential_source: { executable: { command: 'x' } } },
      'does not take its token from a plain text file',
    ],
    [
      'a file of JSON',
      { credential_source: { file: 'a', format: { type: 'json' } } },
      'does not take its token from a plain text file',
    ],
  ])('unless it is of %s, which is said', async (_, configuration, message) => {
    await prepare(configuration);
    expect(await rejectionOf(ours())).toMatchObject({
      code: 'ERR_TOKEN_OPTION',
      option: 'keyFile',
      message: expect.stringContaining(message),
    });
  });

  it('unless the configuration is missing or cannot be read, which is said', async () => {
    vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', undefined);
    expect((await rejectionOf(ours())).message).toContain('GOOGLE_APPLICATION_CREDENTIALS are missing');
    vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', '/nowhere/a.json');
    expect((await rejectionOf(ours())).message).toContain(
      '"/nowhere/a.json" (option "keyFile" or GOOGLE_APPLICATION_CREDENTIALS) cannot be read (ENOENT)',
    );
    const file = join(await temporaryDirectory(), 'key.json');
    await writeFile(file, '-----BEGIN PRIVATE KEY-----');
    vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', file);
    expect((await rejectionOf(ours())).message).toMatch(/cannot be read \(it is not JSON\)\.$/);
  });
});

// A test here takes a second or two, and more than 30 on a machine that is busy with other work.
describe('Beside the client that GoogleAuth makes', { timeout: 120_000 }, () => {
  beforeEach(() => prepare(impersonated()));

  it('it is the same over rotations', async () => {
    await ours();
    for (let rotation = 0; rotation < 3; rotation++) {
      const fingerprint = await rotate();
      await theirs();
      expect(lastExchange()).toEqual({ fingerprint, outcome: 'granted' });
      await expect
        .poll(async () => {
          await ours();
          return lastExchange();
        })
        .toEqual({ fingerprint, outcome: 'granted' });
    }
  });

  it('it is the same in an outage of Google: what is held is given, what is not held is an error', async () => {
    const mine = await fromProjectedToken();
    const sdk = await new GoogleAuth().getClient();
    const held = [(await mine.getAccessToken()).token, (await sdk.getAccessToken()).token];
    await google.close();
    expect([(await mine.getAccessToken()).token, (await sdk.getAccessToken()).token]).toEqual(held);
    expectNoToken(await rejectionOf(ours()), volume.content!);
    await rejectionOf(theirs());
  });

  it('its errors do not show the token, where theirs do', async () => {
    const refusal = { error: 'invalid_grant', error_description: 'no' };
    google.failNext(refusal, refusal);
    expectNoToken(await rejectionOf(ours()), volume.content!);
    const error = await rejectionOf(theirs());
    expect(() => expectNoToken(error, volume.content!)).toThrow('shows the payload');
  });

  it.each<[string, () => void]>([
    ['is no token', () => volume.corrupt('garbage')],
    ['is empty', () => volume.corrupt('')],
    ['is gone', () => volume.unmount()],
  ])('it has the last good token, where theirs fails, when the file %s', async (_, spoil) => {
    await ours();
    spoil();
    await rejectionOf(theirs());
    await ours();
    expect(lastExchange()!.outcome).toBe('granted');
  });
});
