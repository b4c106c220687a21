import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { fromTokenFile } from '@aws-sdk/credential-provider-web-identity';
import { BoundToken } from 'projected-token';
import { type FromProjectedTokenOptions, fromProjectedToken } from 'projected-token/aws';
import { EmbeddedAwsSts, TokenVolume } from 'projected-token/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createTestCluster, rejectionOf, type TestCluster } from '../helpers/federation.js';
import { temporaryDirectory } from '../helpers/temporary-directory.js';

const ROLE = 'arn:aws:iam::123456789012:role/app';
const AUDIENCE = 'sts.amazonaws.com';

let cluster: TestCluster;
let sts: EmbeddedAwsSts;
let volume: TokenVolume;

beforeEach(async () => {
  cluster = await createTestCluster();
  sts = await EmbeddedAwsSts.start({ trust: cluster, roles: { [ROLE]: ['system:serviceaccount:demo:app'] } });
  volume = TokenVolume.temporary(tmpdir(), { fileName: 'token' });
  volume.write(await cluster.mint({ audience: AUDIENCE }));
  const nowhere = join(volume.path, 'nowhere');
  for (const name of ['AWS_ROLE_ARN', 'AWS_WEB_IDENTITY_TOKEN_FILE', 'AWS_ROLE_SESSION_NAME', 'AWS_PROFILE']) {
    vi.stubEnv(name, undefined);
  }
  vi.stubEnv('AWS_CONFIG_FILE', nowhere);
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', nowhere);
  vi.stubEnv('AWS_REGION', 'eu-central-1');
  vi.stubEnv('AWS_ENDPOINT_URL_STS', sts.origin);
});

afterEach(async () => {
  volume[Symbol.dispose]();
  await sts.close();
  vi.unstubAllEnvs();
});

/** What the webhook of EKS and ROSA sets. */
function prepare(): void {
  vi.stubEnv('AWS_ROLE_ARN', ROLE);
  vi.stubEnv('AWS_WEB_IDENTITY_TOKEN_FILE', volume.path);
  vi.stubEnv('AWS_ROLE_SESSION_NAME', 'pod-1');
}

async function identity(options?: FromProjectedTokenOptions): Promise<string | undefined> {
  const client = new STSClient({ credentials: fromProjectedToken(options) });
  try {
    return (await client.send(new GetCallerIdentityCommand({}))).Arn;
  } finally {
    client.destroy();
  }
}

const rotate = async () => volume.write(await cluster.mint({ audience: AUDIENCE }));
const fingerprint = () => BoundToken.parse(volume.content!).fingerprint;
const outcomes = () => sts.exchanges.map(({ outcome }) => outcome);

describe('In a pod that was prepared for AWS, nothing has to be configured', () => {
  it('by the webhook of EKS or ROSA: variables', async () => {
    prepare();
    expect(await identity()).toBe('arn:aws:sts::123456789012:assumed-role/app/pod-1');
  });

  it('by the Cloud Credential Operator of OpenShift: a file of credentials, and a token for another audience', async () => {
    const file = join(await temporaryDirectory(), 'credentials');
    volume.write(await cluster.mint({ audience: ['openshift', AUDIENCE] }));
    await writeFile(
      file,
      `[default]\nsts_regional_endpoints = regional\nrole_arn = ${ROLE}\nweb_identity_token_file = ${volume.path}\nrole_session_name=op # of the operator\n`,
    );
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', file);
    expect(await identity()).toBe('arn:aws:sts::123456789012:assumed-role/app/op');
  });

  it('by a profile of the config file, named by AWS_PROFILE or the option', async () => {
    const file = join(await temporaryDirectory(), 'config');
    const settings = `role_arn=${ROLE}\r\nweb_identity_token_file=${volume.path}\r\n`;
    await writeFile(
      file,
      `[default]\r\nregion=us-east-1\r\n[profile "pod"]\r\n; mine\r\ns3 =\r\n  role_arn = nested\r\n${settings}role_session_name=pod\r\n[profile other]\r\n${settings}role_session_name=other\r\n`,
    );
    vi.stubEnv('AWS_CONFIG_FILE', file);
    vi.stubEnv('AWS_PROFILE', 'pod');
    expect(await identity()).toMatch(/\/pod$/);
    expect(await identity({ profile: 'other' })).toMatch(/\/other$/);
  });

  it('and what is said in so many words comes first', async () => {
    prepare();
    expect(await identity({ roleSessionName: 'mine', audience: AUDIENCE })).toMatch(/\/mine$/);
    expect(await rejectionOf(identity({ audience: 'vault' }))).toMatchObject({ code: 'ERR_TOKEN_AUDIENCE' });
    vi.stubEnv('AWS_WEB_IDENTITY_TOKEN_FILE', '/nowhere');
    expect(await identity({ webIdentityTokenFile: volume.path })).toMatch(/\/pod-1$/);
  });

  it('unless something is missing, which is said, and lets a chain of the SDK go on', async () => {
    const nothing = await rejectionOf(identity());
    expect(nothing).toMatchObject({ code: 'ERR_TOKEN_OPTION', option: 'source', tryNextLink: true });
    expect(nothing.message).toContain(
      'AWS_WEB_IDENTITY_TOKEN_FILE is not set, and the profile "default" has no web_identity_token_file',
    );
    expect(nothing.message).toContain('eks.amazonaws.com/role-arn');
    prepare();
    vi.stubEnv('AWS_ROLE_ARN', '');
    const noRole = await rejectionOf(identity());
    expect(noRole).toMatchObject({ option: 'roleArn', message: expect.stringContaining('AWS_ROLE_ARN') });
  });
});

describe('Beside fromTokenFile of the SDK', () => {
  beforeEach(prepare);

  it('it is the same over rotations', async () => {
    const [ours, theirs] = [fromProjectedToken(), fromTokenFile()];
    for (let rotation = 0; rotation < 3; rotation++) {
      await rotate();
      const newest = fingerprint();
      sts.exchanges.length = 0;
      await theirs();
      // The file is followed: ours hears of the rotation in a moment.
      await expect
        .poll(async () => {
          await ours();
          return sts.exchanges.at(-1);
        })
        .toEqual({ fingerprint: newest, outcome: 'granted' });
      expect(sts.exchanges[0]).toEqual({ fingerprint: newest, outcome: 'granted' });
    }
  });

  it('it keeps the credentials that are good, where theirs fails, in an outage of STS', async () => {
    const [ours, theirs] = [fromProjectedToken(), fromTokenFile()];
    const held = await ours();
    await theirs();
    await sts.close();
    await rejectionOf(theirs());
    expect(await ours()).toBe(held);
  });

  it.each<[string, () => void]>([
    ['is no token', () => volume.corrupt('garbage')],
    ['is empty', () => volume.corrupt('')],
    ['is gone', () => volume.unmount()],
  ])('it has the last good token, where theirs fails, when the file %s', async (_, spoil) => {
    await fromProjectedToken()();
    spoil();
    await rejectionOf(fromTokenFile()());
    sts.exchanges.length = 0;
    await fromProjectedToken()();
    expect(outcomes()).toEqual(['granted']);
  });
});
