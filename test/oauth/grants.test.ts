import { ClientSecretBasic } from 'oauth4webapi';
import { withToken } from 'projected-token/fetch';
import { OAuthTokenProvider, type OAuthTokenProviderOptions } from 'projected-token/oauth';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createTestCluster, SettableSource, type TestCluster } from '../helpers/federation.js';
import { CLIENT_ID, CONFIDENTIAL, OAuthServer, PUBLIC_CLIENT_ID, RESOURCE } from '../helpers/oauth-server.js';

const JWT_TYPE = 'urn:ietf:params:oauth:token-type:jwt';
const ACCESS_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:access_token';

let cluster: TestCluster;
let server: OAuthServer;
let provider: OAuthTokenProvider;

beforeAll(async () => {
  // oidc-provider takes a client assertion only from a client that issues it itself.
  cluster = await createTestCluster(CLIENT_ID);
  server = await OAuthServer.start(cluster);
});
afterEach(async () => {
  await provider?.close();
  server.requests.length = 0;
});
afterAll(() => server.close());

const newSource = async () => new SettableSource(await cluster.mint({ audience: server.issuer }));

async function open(options: Partial<OAuthTokenProviderOptions>): Promise<OAuthTokenProvider> {
  const source = await newSource();
  provider = await OAuthTokenProvider.open({ issuer: server.issuer, source, grant: 'client-credentials', ...options });
  return provider;
}

/** What the server says of the token in use. */
const introspected = async () => server.introspect(await provider.getToken());

describe('The grant', () => {
  it('client-credentials sends the service account token as client assertion', async () => {
    await open({ scope: ['orders.read', 'orders.write'] });
    expect(await introspected()).toMatchObject({
      active: true,
      client_id: CLIENT_ID,
      scope: 'orders.read orders.write',
    });
    expect(server.requests).toEqual([
      {
        grant_type: 'client_credentials',
        scope: 'orders.read orders.write',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: 'JWT',
      },
    ]);
    expect(provider.status.token!.scopes).toEqual(['orders.read', 'orders.write']);
  });

  it('client-credentials sends the identifier of the client where there is one, and asks for a resource', async () => {
    await open({ clientId: CLIENT_ID, resource: new URL(RESOURCE), scope: 'orders.read' });
    const [, claims] = (await provider.getToken()).split('.');
    expect(JSON.parse(Buffer.from(claims!, 'base64url').toString())).toMatchObject({
      aud: RESOURCE,
      scope: 'orders.read',
    });
    expect(server.requests[0]).toMatchObject({ client_id: CLIENT_ID, resource: RESOURCE });
  });

  it('jwt-bearer sends it as the grant, from a client that nothing proves', async () => {
    await open({ grant: 'jwt-bearer', clientId: PUBLIC_CLIENT_ID, scope: 'orders.read' });
    expect(await introspected()).toMatchObject({ active: true, client_id: PUBLIC_CLIENT_ID, scope: 'orders.read' });
    expect(server.requests).toEqual([
      {
        grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
        assertion: 'JWT',
        client_id: PUBLIC_CLIENT_ID,
        scope: 'orders.read',
      },
    ]);
  });

  it('jwt-bearer sends it as the grant, from a client with a secret of its own', async () => {
    const { clientId, secret } = CONFIDENTIAL;
    await open({ grant: 'jwt-bearer', clientId, clientAuthentication: ClientSecretBasic(secret) });
    expect(await introspected()).toMatchObject({ active: true, client_id: clientId });
    expect(server.requests).toEqual([{ grant_type: expect.stringMatching(/:jwt-bearer$/), assertion: 'JWT' }]);
  });

  it('jwt-bearer sends it as the grant and as client assertion', async () => {
    await open({ grant: 'jwt-bearer', clientAuthentication: 'client-assertion' });
    expect(await introspected()).toMatchObject({ active: true, client_id: CLIENT_ID });
    expect(server.requests[0]).toMatchObject({ assertion: 'JWT', client_assertion: 'JWT' });
  });

  it('token-exchange sends it as subject token', async () => {
    const audience = ['orders', 'billing'];
    await open({
      grant: 'token-exchange',
      clientId: PUBLIC_CLIENT_ID,
      audience,
      requestedTokenType: ACCESS_TOKEN_TYPE,
    });
    expect(await introspected()).toMatchObject({ active: true, client_id: PUBLIC_CLIENT_ID });
    expect(server.requests).toEqual([
      {
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token: 'JWT',
        subject_token_type: JWT_TYPE,
        requested_token_type: ACCESS_TOKEN_TYPE,
        audience: 'orders,billing',
        client_id: PUBLIC_CLIENT_ID,
      },
    ]);
    expect(provider.status.token!.issuedTokenType).toBe(ACCESS_TOKEN_TYPE);
  });

  it('token-exchange sends it as actor token, where the subject token is of somebody else', async () => {
    const subjectSource = await newSource();
    await open({ grant: 'token-exchange', clientId: PUBLIC_CLIENT_ID, subjectSource });
    expect(server.requests[0]).toMatchObject({
      subject_token: 'JWT',
      subject_token_type: ACCESS_TOKEN_TYPE,
      actor_token: 'JWT',
      actor_token_type: JWT_TYPE,
    });
    expect(await introspected()).toMatchObject({ active: true });
  });

  it('token-exchange sends it as client assertion, where the subject token is of somebody else', async () => {
    const subjectSource = await newSource();
    const subjectTokenType = JWT_TYPE;
    await open({ grant: 'token-exchange', clientAuthentication: 'client-assertion', subjectSource, subjectTokenType });
    expect(server.requests[0]).toMatchObject({
      subject_token: 'JWT',
      subject_token_type: JWT_TYPE,
      client_assertion: 'JWT',
    });
    expect(server.requests[0]).not.toHaveProperty('actor_token');
    expect(await introspected()).toMatchObject({ active: true, client_id: CLIENT_ID });
  });

  it('goes to the token endpoint that is named, without a look at the metadata', async () => {
    await open({ issuer: undefined, tokenEndpoint: `${server.issuer}/token`, parameters: { scope: 'orders.read' } });
    expect(await introspected()).toMatchObject({ active: true, scope: 'orders.read' });
  });
});

describe('A client', () => {
  it('carries the token, and gets another one when the service rejects it', async () => {
    const source = await newSource();
    await open({ source });
    const { issuer } = server;
    const orders = withToken(fetch, provider, { origins: [issuer] });
    const first = await provider.getToken();
    // Who is asked about a token with that very token tells whether it is good (RFC 6750).
    const statusOf = async () => (await orders(`${issuer}/me`)).status;
    expect(await server.introspect(first)).toMatchObject({ active: true });
    await server.revoke(first);
    source.current = await cluster.mint({ audience: issuer });
    // It is no user's token: the answer stays 401, and the token is another one.
    expect(await statusOf()).toBe(401);
    const second = await provider.getToken();
    expect(second).not.toBe(first);
    expect(await server.introspect(second)).toMatchObject({ active: true });
    expect(provider.status.counts).toEqual({ exchanges: 2, failures: 0 });
  });

  it('waits for one exchange, however many requests were rejected', async () => {
    const source = await newSource();
    await open({ source });
    const first = await provider.getToken();
    source.current = await cluster.mint({ audience: server.issuer });
    const replaced = await Promise.all(Array.from({ length: 100 }, () => provider.replaceToken(first)));
    expect(new Set(replaced).size).toBe(1);
    expect(replaced[0]).not.toBe(first);
    expect(server.requests).toHaveLength(2);
  });

  it('gets a token with the newer service account token, where the server refuses the first: it takes each once', async () => {
    const source = await newSource();
    await open({ source });
    const first = await provider.getToken();
    source.replacement = await cluster.mint({ audience: server.issuer });
    const used = source.current;
    expect(await provider.replaceToken(first)).not.toBe(first);
    expect(source.refused).toEqual([used]);
  });
});
