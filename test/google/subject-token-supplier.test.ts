import { IdentityPoolClient, type IdentityPoolClientOptions, type SubjectTokenSupplier } from 'google-auth-library';
import { BoundToken } from 'projected-token';
import { redactSubjectToken, type SubjectTokenSupplierOptions, subjectTokenSupplier } from 'projected-token/google';
import { EmbeddedGoogleSts } from 'projected-token/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createTestCluster,
  expectNoToken,
  rejectionOf,
  SettableSource,
  type TestCluster,
} from '../helpers/federation.js';

const EMAIL = 'app@test-project.iam.gserviceaccount.com';

let cluster: TestCluster;
let google: EmbeddedGoogleSts;

beforeEach(async () => {
  cluster = await createTestCluster();
  google = await EmbeddedGoogleSts.start({ trust: cluster, serviceAccounts: [EMAIL] });
});

afterEach(() => google.close());

const audience = () => `https:${google.audience}`;
const outcomes = () => google.exchanges.map(({ outcome }) => outcome);

function client(
  source: SettableSource,
  options: SubjectTokenSupplierOptions = {},
  clientOptions: Partial<IdentityPoolClientOptions> = {},
): IdentityPoolClient {
  const supplier: SubjectTokenSupplier = subjectTokenSupplier(source, options);
  return redactSubjectToken(
    new IdentityPoolClient({
      type: 'external_account',
      audience: google.audience,
      token_url: google.tokenUrl,
      cloud_resource_manager_url: google.cloudResourceManagerUrl,
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      subject_token_supplier: supplier,
      ...clientOptions,
    }),
  );
}

describe('subjectTokenSupplier', () => {
  it('gives a client of the library an access token that Google accepts', async () => {
    const token = await cluster.mint({ audience: audience() });
    expect(await client(new SettableSource(token)).getProjectId()).toBe('test-project');
    expect(google.exchanges).toEqual([{ fingerprint: BoundToken.parse(token).fingerprint, outcome: 'granted' }]);
  });

  it('impersonates a service account', async () => {
    const sdk = client(
      new SettableSource(await cluster.mint({ audience: audience() })),
      {},
      {
        service_account_impersonation_url: google.impersonationUrl(EMAIL),
        service_account_impersonation: { token_lifetime_seconds: 1800 },
      },
    );
    expect(await sdk.getProjectId()).toBe('test-project');
    expect(sdk.credentials.expiry_date! - Date.now()).toBeLessThanOrEqual(1_800_000);
    expect(google.impersonationRequests).toBe(1);
  });

  it("surfaces a refused impersonation as the library's own error", async () => {
    const token = await cluster.mint({ audience: audience() });
    const sdk = client(
      new SettableSource(token),
      {},
      {
        service_account_impersonation_url: google.impersonationUrl('other@test-project.iam.gserviceaccount.com'),
      },
    );
    const error = await rejectionOf(sdk.getAccessToken());
    expect(error.constructor.name).toBe('GaxiosError');
    expect(error.status).toBe(403);
    expect(error.message).toMatch(/iam\.serviceAccounts\.getAccessToken/);
    expectNoToken(error, token);
  });

  it('exchanges once for many calls of one client', async () => {
    const sdk = client(new SettableSource(await cluster.mint({ audience: audience() })));
    await Promise.all(Array.from({ length: 20 }, () => sdk.getAccessToken()));
    expect(outcomes()).toEqual(['granted']);
  });

  it('takes the newest token at each exchange, over several rotations', async () => {
    const source = new SettableSource('');
    // Longer than the access token lives: the client asks for a new one at every call.
    const sdk = client(source, {}, { eagerRefreshThresholdMillis: 4_000_000 });
    const expected: string[] = [];
    for (let rotation = 0; rotation < 5; rotation += 1) {
      source.current = await cluster.mint({ audience: audience() });
      expected.push(BoundToken.parse(source.current).fingerprint);
      await sdk.getAccessToken();
    }
    expect(google.exchanges.map(({ fingerprint }) => fingerprint)).toEqual(expected);
    expect(new Set(outcomes())).toEqual(new Set(['granted']));
  });

  it("surfaces the refusal of an expired token as the library's own error, and recovers with the next token", async () => {
    const expired = await cluster.mint({ audience: audience(), expiresInSeconds: -60 });
    const source = new SettableSource(expired);
    const sdk = client(source);
    const error = await rejectionOf(sdk.getAccessToken());
    expect(error.message).toMatch(/^Error code invalid_grant: ID Token issued at \d+ is stale to sign-in\.$/);
    expect(error.status).toBe(400);
    source.current = await cluster.mint({ audience: audience() });
    await sdk.getAccessToken();
    expect(outcomes()).toEqual(['invalid_grant', 'granted']);
    expectNoToken(error, expired);
  });

  it('catches a wrong audience before Google is asked', async () => {
    const token = await cluster.mint({ audience: 'vault' });
    const error = await rejectionOf(client(new SettableSource(token)).getAccessToken());
    expect(error).toMatchObject({
      name: 'TokenClaimError',
      code: 'ERR_TOKEN_AUDIENCE',
      claim: 'aud',
      expected: [google.audience, `https:${google.audience}`],
      found: ['vault'],
    });
    expect(google.exchanges).toEqual([]);
    expectNoToken(error, token);
  });

  it('accepts the resource name of the provider without https: as well', async () => {
    const sdk = client(new SettableSource(await cluster.mint({ audience: google.audience })));
    await sdk.getAccessToken();
    expect(outcomes()).toEqual(['granted']);
  });

  it('accepts the token of a fleet of GKE, which is for the pool', async () => {
    const fleet = {
      audience:
        'identitynamespace:my-project.svc.id.goog:https://gkehub.googleapis.com/projects/my-project/locations/global/memberships/east',
    };
    const supply = (token: string) => subjectTokenSupplier(new SettableSource(token)).getSubjectToken(fleet);
    const token = await cluster.mint({ audience: 'my-project.svc.id.goog' });
    expect(await supply(token)).toBe(token);
    const error = await rejectionOf(supply(await cluster.mint({ audience: fleet.audience })));
    expect(error).toMatchObject({ code: 'ERR_TOKEN_AUDIENCE', expected: ['my-project.svc.id.goog'] });
  });

  it('accepts the audiences that it is told to, and leaves the check to Google when told so', async () => {
    const source = new SettableSource(await cluster.mint({ audience: 'other' }));
    for (const accepted of ['other', ['sts', 'other'], false] as const) {
      const error = await rejectionOf(client(source, { audience: accepted }).getAccessToken());
      expect(error.message).toContain('The audience in ID Token [other] does not match the expected audience.');
    }
    const strict = client(new SettableSource(await cluster.mint({ audience: audience() })), { audience: 'other' });
    expect(await rejectionOf(strict.getAccessToken())).toMatchObject({ code: 'ERR_TOKEN_AUDIENCE' });
    expect(outcomes()).toEqual(['invalid_grant', 'invalid_grant', 'invalid_grant']);
  });
});
