import { request } from 'node:https';
import { EmbeddedEntraId } from 'projected-token/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestCluster, rejectionOf, type TestCluster } from '../../helpers/federation.js';

let cluster: TestCluster;
let entra: EmbeddedEntraId;

beforeEach(async () => {
  cluster = await createTestCluster();
  entra = await EmbeddedEntraId.start({ trust: cluster, subject: 'system:serviceaccount:demo:app' });
});

afterEach(() => entra.close());

interface Reply {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

function send(path: string, form?: Record<string, string>, ca: string | undefined = entra.ca): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const url = `${entra.origin}/${path}`;
    const outgoing = request(url, { ca, method: form === undefined ? 'GET' : 'POST' }, async (response) => {
      let text = '';
      for await (const chunk of response) text += chunk;
      resolve({ status: response.statusCode!, body: text === '' ? {} : JSON.parse(text) });
    });
    outgoing.on('error', reject).end(form === undefined ? undefined : new URLSearchParams(form).toString());
  });
}

async function requestToken(changes: Record<string, string> = {}): Promise<Reply> {
  return send(`${entra.tenantId}/oauth2/v2.0/token`, {
    grant_type: 'client_credentials',
    client_id: entra.clientId,
    scope: 'https://vault.azure.net/.default',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: await cluster.mint({ audience: 'api://AzureADTokenExchange' }),
    ...changes,
  });
}

describe('EmbeddedEntraId', () => {
  it('gives access tokens for 60 to 90 minutes', async () => {
    const { status, body } = await requestToken();
    expect(status).toBe(200);
    expect(body.token_type).toBe('Bearer');
    expect(body.expires_in).toBeGreaterThanOrEqual(3600);
    expect(body.expires_in).toBeLessThan(5400);
    expect(entra.accepts(body.access_token as string)).toBe(true);
    expect(entra.accepts('guessed')).toBe(false);
  });

  it.each([
    ['another grant type', { grant_type: 'password' }, 400, 'unsupported_grant_type', 70003],
    ['an unknown application', { client_id: 'nobody' }, 400, 'unauthorized_client', 700016],
    ['a scope without /.default', { scope: 'https://vault.azure.net' }, 400, 'invalid_scope', 1002012],
    ['another kind of assertion', { client_assertion_type: 'saml' }, 401, 'invalid_client', 7000216],
    ['a text that is no token', { client_assertion: 'garbage' }, 401, 'invalid_client', 50027],
  ])('refuses %s', async (_name, changes, status, error, code) => {
    const reply = await requestToken(changes);
    expect(reply.status).toBe(status);
    expect(reply.body).toMatchObject({
      error,
      error_codes: [code],
      error_description: expect.stringMatching(
        new RegExp(`^AADSTS${code}: .+ Trace ID: .+ Correlation ID: .+ Timestamp: .+Z$`),
      ),
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ$/),
    });
  });

  it('refuses another subject than that of the federated identity credential', async () => {
    await entra.close();
    entra = await EmbeddedEntraId.start({ trust: cluster, subject: 'system:serviceaccount:demo:other' });
    expect((await requestToken()).body).toMatchObject({ error_codes: [700213] });
  });

  it('answers with the errors that it is told to', async () => {
    entra.failNext({ error: 'temporarily_unavailable', code: 90033, message: 'Try again.', status: 503 });
    expect(await requestToken()).toMatchObject({ status: 503, body: { error_codes: [90033] } });
    expect((await requestToken()).status).toBe(200);
  });

  it('describes its tenant, and knows no other', async () => {
    const { body } = await send(`${entra.tenantId}/v2.0/.well-known/openid-configuration`);
    expect(body.token_endpoint).toBe(`${entra.origin}/${entra.tenantId}/oauth2/v2.0/token`);
    const unknown = await send('another-tenant/v2.0/.well-known/openid-configuration');
    expect(unknown).toMatchObject({ status: 400, body: { error_codes: [90002] } });
    expect((await send(`${entra.tenantId}/somewhere`)).status).toBe(404);
  });

  it('is trusted only by those who were given its certificate', async () => {
    const other = await EmbeddedEntraId.start({ trust: cluster });
    await other.close();
    const error = await rejectionOf(send(`${entra.tenantId}/somewhere`, undefined, other.ca));
    expect(error.code).toMatch(/SELF_SIGNED|SIGNATURE/);
  });
});
