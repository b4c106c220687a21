import { EmbeddedGoogleSts } from 'projected-token/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createTestCluster, type TestCluster } from '../../helpers/federation.js';

const EMAIL = 'app@test-project.iam.gserviceaccount.com';

let cluster: TestCluster;
let google: EmbeddedGoogleSts;

beforeEach(async () => {
  cluster = await createTestCluster();
  google = await EmbeddedGoogleSts.start({ trust: cluster, serviceAccounts: [EMAIL] });
});

afterEach(async () => {
  vi.useRealTimers();
  await google.close();
});

async function exchange(changes: Record<string, string> = {}): Promise<Response> {
  const form = new URLSearchParams({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    audience: google.audience,
    scope: 'https://www.googleapis.com/auth/cloud-platform',
    requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    subject_token: await cluster.mint({ audience: google.audience }),
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    ...changes,
  });
  return fetch(google.tokenUrl, { method: 'POST', body: form });
}

async function accessToken(): Promise<string> {
  return ((await (await exchange()).json()) as { access_token: string }).access_token;
}

async function impersonate(bearer: string, email = EMAIL, body: object = {}): Promise<Response> {
  const headers = { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' };
  return fetch(google.impersonationUrl(email), { method: 'POST', headers, body: JSON.stringify(body) });
}

const project = (bearer: string) =>
  fetch(`${google.cloudResourceManagerUrl}123456789`, { headers: { authorization: `Bearer ${bearer}` } });

describe('EmbeddedGoogleSts', () => {
  it('exchanges a token as RFC 8693 says', async () => {
    const reply = await exchange();
    expect(reply.status).toBe(200);
    expect(await reply.json()).toEqual({
      access_token: expect.stringMatching(/^ya29\./),
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      token_type: 'Bearer',
      expires_in: 3600,
    });
  });

  it.each([
    ['another grant type', { grant_type: 'client_credentials' }, 'unsupported_grant_type'],
    ['a missing token type', { subject_token_type: '' }, 'invalid_request'],
    ['another provider', { audience: '//iam.googleapis.com/projects/1' }, 'invalid_target'],
    ['a text that is no token', { subject_token: 'garbage' }, 'invalid_grant'],
  ])('refuses %s', async (_name, changes, error) => {
    const reply = await exchange(changes);
    expect(reply.status).toBe(400);
    expect(await reply.json()).toMatchObject({ error, error_description: expect.any(String) });
  });

  it('accepts only its own access tokens, and these until they expire', async () => {
    const token = await accessToken();
    expect((await project(token)).status).toBe(200);
    expect((await project('guessed')).status).toBe(401);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_601_000 });
    expect((await project(token)).status).toBe(401);
    expect((await impersonate(token)).status).toBe(401);
  });

  it('lets a service account be impersonated for the lifetime that is asked for', async () => {
    const reply = await impersonate(await accessToken(), EMAIL, { scope: [], lifetime: '600s' });
    const { accessToken: own, expireTime } = (await reply.json()) as { accessToken: string; expireTime: string };
    expect(expireTime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(Math.abs(Date.parse(expireTime) - Date.now() - 600_000)).toBeLessThan(5_000);
    expect((await project(own)).status).toBe(200);
  });

  it('answers a refused impersonation as Google APIs do', async () => {
    const denied = await impersonate(await accessToken(), 'other@test-project.iam.gserviceaccount.com');
    expect(denied.status).toBe(403);
    expect(await denied.json()).toMatchObject({ error: { code: 403, status: 'PERMISSION_DENIED' } });
    const wrong = await impersonate(await accessToken(), EMAIL, { lifetime: 'long' });
    expect(await wrong.json()).toMatchObject({ error: { code: 400, status: 'INVALID_ARGUMENT' } });
  });

  it('knows no other path', async () => {
    expect((await fetch(`${google.cloudResourceManagerUrl}other`)).status).toBe(404);
  });
});
