import { OAuthTokenProvider, type OAuthTokenProviderOptions } from 'projected-token/oauth';
import { EmbeddedEntraId } from 'projected-token/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  createTestCluster,
  expectNoToken,
  rejectionOf,
  SettableSource,
  type TestCluster,
} from '../helpers/federation.js';
import { HttpOrigin } from '../helpers/http-origin.js';

let cluster: TestCluster;
let server: HttpOrigin;
let source: SettableSource;

beforeAll(async () => {
  cluster = await createTestCluster();
  server = await HttpOrigin.start();
  source = new SettableSource(await cluster.mint({ audience: 'vault' }));
});
afterEach(() => server.reset());
afterAll(() => server.close());

const open = (options: Partial<OAuthTokenProviderOptions> = {}) =>
  OAuthTokenProvider.open({ tokenEndpoint: `${server.origin}/token`, source, grant: 'client-credentials', ...options });

function refuse(status: number, error: string, error_description?: string, headers: Record<string, string> = {}): void {
  server.on('/token', {
    status,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ error, error_description }),
  });
}

const DENIED = 'ERR_EXCHANGE_DENIED';
const INVALID = 'ERR_EXCHANGE_INVALID';

// What these servers answered when they were asked, or what their sources say.
describe('A refusal of a server that tells what is wrong', () => {
  it.each<[string, number, string, string, string, string]>([
    ['Keycloak', 400, 'invalid_client', 'Invalid token audience', DENIED, 'Audience: '],
    ['Keycloak', 400, 'invalid_grant', 'User not found', DENIED, 'Subject: '],
    ['Keycloak', 400, 'invalid_scope', 'Invalid scopes: nope', INVALID, 'Scope: the option "scope" asks for "nope".'],
    ['Keycloak', 400, 'invalid_grant', 'No Identity Provider for provided issuer', DENIED, 'Trust: '],
    ['Keycloak', 400, 'unauthorized_client', 'Client not enabled to retrieve service account', DENIED, 'Client: '],
    [
      'Google',
      400,
      'invalid_grant',
      'The audience in ID Token [https://a.test] does not match the expected audience.',
      DENIED,
      'Audience: ',
    ],
    [
      'Google',
      400,
      'invalid_grant',
      'The issuer in ID Token https://audience.test does not match the expected ones.',
      DENIED,
      'Trust: ',
    ],
    [
      'oidc-provider',
      400,
      'unauthorized_client',
      'requested grant type is not allowed for this client',
      DENIED,
      'Grant: ',
    ],
    ['Google', 400, 'invalid_grant', 'ID Token issued at 1700000000 is stale to sign-in.', DENIED, 'Time: '],
    ['oidc-provider', 400, 'invalid_target', 'resource indicator is missing, or unknown', INVALID, 'Target: '],
    [
      'a server that takes a token once',
      400,
      'invalid_grant',
      'client assertion tokens must only be used once',
      DENIED,
      'Reuse: ',
    ],
    [
      'any',
      400,
      'unsupported_grant_type',
      '',
      INVALID,
      'Grant: the server or the client does not allow the grant "client-credentials".',
    ],
    ['any', 400, 'invalid_request', 'no', INVALID, 'Request: '],
  ])('%s: %i %s (%s)', async (_, status, error, description, code, advice) => {
    refuse(status, error, description);
    const rejection = await rejectionOf(open({ scope: 'nope' }));
    expect(rejection).toMatchObject({ code, status, oauthError: error, isRetryable: false });
    const told =
      description === '' ? `${status} ${error}. ` : `${status} ${error} (${description.replace(/\.$/, '')}). `;
    expect(rejection.message).toContain(`at ${server.origin}/token: ${told}${advice}`);
    expect(rejection.message.match(/\b[A-Z]\w+: /g)).toHaveLength(1);
    expect(rejection.message).toContain(
      'The token is of system:serviceaccount:demo:app for "vault", issued by https://oidc.cluster.test.',
    );
  });

  it('has an advice for all that may be wrong, where the server tells nothing', async () => {
    refuse(401, 'invalid_client', 'Invalid client or Invalid client credentials', {
      'www-authenticate': 'Basic realm="x"',
    });
    const { message } = await rejectionOf(open({ clientId: 'shop' }));
    expect(message.match(/\b[A-Z]\w+(?=: )/g)).toEqual(['Client', 'Subject', 'Trust', 'Audience']);
    expect(message).toContain('the client "shop" must exist');
  });

  it('is a denial after a token exchange, where a bad token is an invalid request (RFC 8693 section 2.2.2)', async () => {
    refuse(400, 'invalid_request', 'subject_token is not valid');
    expect(await rejectionOf(open({ grant: 'token-exchange' }))).toMatchObject({ code: DENIED });
  });

  it('shows nothing of the tokens that were sent, nor what could forge a line of a log', async () => {
    const subjectSource = new SettableSource(await cluster.mint({ audience: 'other' }));
    refuse(400, 'invalid_grant', `no ${source.current}\n\u001b[31m nor ${subjectSource.current.slice(0, 60)}`);
    const error = await rejectionOf(open({ grant: 'token-exchange', subjectSource }));
    expect(error.message).toContain('invalid_grant (no [token] \ufffd[31m nor [token]).');
    expectNoToken(error, source.current);
    expectNoToken(error, subjectSource.current);
    expect(error.message).not.toContain(subjectSource.current.slice(0, 30));
  });

  it('is followed by one more exchange, where the source has another token', async () => {
    const used = source.current;
    let asked = 0;
    server.on('/token', ({ body }) => {
      asked++;
      const isOld = new URLSearchParams(body.toString()).get('client_assertion') === used;
      const answer = isOld ? { error: 'invalid_client' } : { access_token: 'a', token_type: 'bearer', expires_in: 60 };
      return {
        status: isOld ? 401 : 200,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(answer),
      };
    });
    source.replacement = await cluster.mint({ audience: 'vault' });
    await using provider = await open();
    expect(await provider.getToken()).toBe('a');
    expect(asked).toBe(2);
  });
});

describe('Microsoft Entra ID', () => {
  const AUDIENCE = 'api://AzureADTokenExchange';
  const SCOPE = 'https://vault.azure.net/.default';

  async function ask(
    token: { audience?: string; expiresInSeconds?: number; of?: () => Promise<TestCluster> },
    options: Partial<OAuthTokenProviderOptions> = {},
  ) {
    const entra = await EmbeddedEntraId.start({ trust: cluster, subject: 'system:serviceaccount:demo:app' });
    try {
      const { of = async () => cluster, audience = AUDIENCE, expiresInSeconds } = token;
      const jwt = new SettableSource(await (await of()).mint({ audience, expiresInSeconds }));
      await using provider = await OAuthTokenProvider.open({
        issuer: `${entra.origin}/${entra.tenantId}/v2.0`,
        ca: entra.ca,
        source: jwt,
        grant: 'client-credentials',
        clientId: entra.clientId,
        scope: SCOPE,
        ...options,
      });
      return entra.accepts(await provider.getToken());
    } finally {
      await entra.close();
    }
  }

  it('gives an access token to the client', async () => {
    expect(await ask({})).toBe(true);
  });

  it.each<[string, Parameters<typeof ask>[0], Partial<OAuthTokenProviderOptions>, string]>([
    ['trust', { of: () => createTestCluster('https://oidc.other.test') }, {}, 'Trust: '],
    ['trust', { of: () => createTestCluster() }, {}, 'Trust: '],
    ['audience', { audience: 'vault' }, {}, 'Audience: '],
    ['time', { expiresInSeconds: -60 }, {}, 'Time: '],
    ['client', {}, { clientId: 'ghost' }, 'Client: the client "ghost" must exist'],
    ['scope', {}, { scope: 'orders' }, 'Scope: the option "scope" asks for "orders".'],
  ])('says which is wrong: %s (case %#)', async (_, token, options, advice) => {
    const error = await rejectionOf(ask(token, options));
    expect(error.message).toContain(`. ${advice}`);
    expect(
      error.message.match(/\b(Trust|Audience|Subject|Client|Scope|Time|Reuse|Grant|Request|Target): /g),
    ).toHaveLength(1);
  });
});
