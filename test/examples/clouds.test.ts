import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { EmbeddedAwsSts, EmbeddedEntraId, EmbeddedGoogleSts } from 'projected-token/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestCluster, type TestCluster } from '../helpers/federation.js';

const run = promisify(execFile);

let cluster: TestCluster;
let directory: string;

beforeAll(async () => {
  cluster = await createTestCluster();
  directory = await mkdtemp(join(tmpdir(), 'clouds-'));
});

afterAll(() => rm(directory, { recursive: true }));

async function fileWith(name: string, content: string): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, content);
  return path;
}

async function runExample(name: string, environment: Record<string, string>): Promise<string> {
  const env = { PATH: process.env.PATH, ...environment };
  const { stdout } = await run(process.execPath, ['--import', 'tsx', `examples/${name}.ts`], { env });
  return stdout;
}

describe('the examples of the clouds', () => {
  it('AWS: prints the role that the pod has', async () => {
    const sts = await EmbeddedAwsSts.start({ trust: cluster });
    try {
      const output = await runExample('aws', {
        AWS_ENDPOINT_URL_STS: sts.origin,
        AWS_REGION: 'eu-central-1',
        AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/app',
        AWS_ROLE_SESSION_NAME: 'pod-1',
        AWS_WEB_IDENTITY_TOKEN_FILE: await fileWith('aws', await cluster.mint({ audience: 'sts.amazonaws.com' })),
      });
      expect(output).toBe('Signed in as arn:aws:sts::123456789012:assumed-role/app/pod-1\n');
    } finally {
      await sts.close();
    }
  });

  it('Google: prints the project that the pod may see', async () => {
    const email = 'app@test-project.iam.gserviceaccount.com';
    const google = await EmbeddedGoogleSts.start({ trust: cluster, serviceAccounts: [email] });
    try {
      const configuration = {
        type: 'external_account',
        audience: google.audience,
        subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
        token_url: google.tokenUrl,
        service_account_impersonation_url: google.impersonationUrl(email),
        cloud_resource_manager_url: google.cloudResourceManagerUrl,
        credential_source: { file: await fileWith('google', await cluster.mint({ audience: google.audience })) },
      };
      const output = await runExample('google', {
        GOOGLE_APPLICATION_CREDENTIALS: await fileWith('google.json', JSON.stringify(configuration)),
      });
      expect(output).toBe('Signed in to the project test-project\n');
      expect(google.impersonationRequests).toBe(1);
    } finally {
      await google.close();
    }
  });

  it('Azure: prints how long the access token is valid', async () => {
    const entra = await EmbeddedEntraId.start({ trust: cluster });
    try {
      const output = await runExample('azure', {
        AZURE_AUTHORITY_HOST: entra.origin,
        AZURE_TENANT_ID: entra.tenantId,
        AZURE_CLIENT_ID: entra.clientId,
        AZURE_FEDERATED_TOKEN_FILE: await fileWith(
          'azure',
          await cluster.mint({ audience: 'api://AzureADTokenExchange' }),
        ),
        NODE_EXTRA_CA_CERTS: await fileWith('ca.pem', entra.ca),
      });
      expect(output).toMatch(/^Signed in until \d{4}-/);
      expect(entra.exchanges).toHaveLength(1);
    } finally {
      await entra.close();
    }
  });
});
