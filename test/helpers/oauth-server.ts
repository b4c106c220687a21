import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import { type ClientMetadata, errors, type KoaContextWithOIDC, Provider } from 'oidc-provider';
import type { TestCluster } from './federation.js';

const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const EXCHANGE_PARAMETERS = [
  'subject_token',
  'subject_token_type',
  'actor_token',
  'actor_token_type',
  'requested_token_type',
];

/** The client that is known by the subject of the tokens: oidc-provider takes an assertion only where issuer, subject and client are one. */
export const CLIENT_ID = 'system:serviceaccount:demo:app';
/** A client with a password. */
export const CONFIDENTIAL = { clientId: 'gateway', secret: 'correct horse battery staple' };
/** A client that nothing proves. */
export const PUBLIC_CLIENT_ID = 'public';
export const RESOURCE = 'https://orders.internal/';

/**
 * A certified OAuth 2.0 server, oidc-provider, on loopback. It has the client credentials grant, resource indicators, introspection and
 * DPoP; the grants of RFC 7523 section 2.1 and RFC 8693 are added as it lets one add grants.
 */
export class OAuthServer {
  /** What was asked for at the token endpoint, in order: parameters by name, no token among them. */
  readonly requests: Record<string, string>[] = [];
  /** How long its tokens live, in seconds. */
  lifetimeSeconds = 600;
  readonly #provider: Provider;

  private constructor(
    private readonly server: Server,
    private readonly cluster: TestCluster,
    readonly issuer: string,
  ) {
    const jwks = cluster.jwks as unknown as JSONWebKeySet;
    const client = (client_id: string, more: Partial<ClientMetadata>): ClientMetadata => ({
      client_id,
      grant_types: ['client_credentials', JWT_BEARER, TOKEN_EXCHANGE],
      response_types: [],
      redirect_uris: [],
      ...more,
    });
    const ttl = () => this.lifetimeSeconds;
    this.#provider = new Provider(issuer, {
      clients: [
        client(CLIENT_ID, { token_endpoint_auth_method: 'private_key_jwt', jwks: jwks as never }),
        client(CONFIDENTIAL.clientId, { client_secret: CONFIDENTIAL.secret }),
        client(PUBLIC_CLIENT_ID, { token_endpoint_auth_method: 'none', grant_types: [JWT_BEARER, TOKEN_EXCHANGE] }),
      ],
      scopes: ['orders.read', 'orders.write'],
      clientAuthMethods: ['private_key_jwt', 'client_secret_basic', 'none'],
      enabledJWA: { clientAuthSigningAlgValues: ['ES256', 'RS256'] },
      cookies: { keys: ['test'] },
      ttl: { ClientCredentials: ttl },
      features: {
        devInteractions: { enabled: false },
        clientCredentials: { enabled: true },
        introspection: { enabled: true, allowedPolicy: () => true },
        revocation: { enabled: true },
        resourceIndicators: {
          enabled: true,
          getResourceServerInfo: () => ({
            scope: 'orders.read orders.write',
            audience: RESOURCE,
            accessTokenFormat: 'jwt',
          }),
        },
      },
    });
    this.#provider.registerGrantType(
      JWT_BEARER,
      (ctx) => this.#grant(ctx, 'assertion'),
      ['assertion', 'scope', 'audience'],
      ['audience'],
    );
    const parameters = [...EXCHANGE_PARAMETERS, 'scope', 'audience'];
    this.#provider.registerGrantType(TOKEN_EXCHANGE, (ctx) => this.#grant(ctx, 'subject_token'), parameters, [
      'audience',
    ]);
    this.#provider.use(async (ctx, next) => {
      await next();
      const { params } = (ctx as unknown as KoaContextWithOIDC).oidc ?? {};
      if (ctx.path === '/token' && params !== undefined) this.requests.push(described(params));
    });
    const handle = this.#provider.callback();
    server.on('request', (request, response) => void handle(request, response));
  }

  static async start(cluster: TestCluster): Promise<OAuthServer> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new OAuthServer(server, cluster, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  }

  /** Whether this is a token of this server that is good, and what it is for, as an API would ask (RFC 7662). */
  async introspect(token: string): Promise<Record<string, unknown>> {
    const response = await fetch(`${this.issuer}/token/introspection`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${btoa(`${CONFIDENTIAL.clientId}:${encodeURIComponent(CONFIDENTIAL.secret)}`)}`,
      },
      body: new URLSearchParams({ token }),
    });
    return (await response.json()) as Record<string, unknown>;
  }

  async revoke(token: string): Promise<void> {
    const found = await this.#provider.ClientCredentials.find(token);
    await found?.destroy();
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    this.server.closeAllConnections();
    await closed;
  }

  /** Checks the tokens of the cluster as a server that trusts it does, and gives one of its own. */
  async #grant(ctx: KoaContextWithOIDC, parameter: string): Promise<void> {
    const { client, params = {} } = ctx.oidc;
    await this.#verify(params[parameter] as string);
    if (params.actor_token !== undefined) await this.#verify(params.actor_token as string);
    const scope = params.scope as string | undefined;
    const token = new this.#provider.ClientCredentials({ client: client!, scope: scope as string });
    const access_token = await token.save();
    ctx.body = {
      access_token,
      expires_in: token.expiration,
      token_type: 'Bearer',
      ...(scope !== undefined && { scope }),
      ...(parameter === 'subject_token' && {
        issued_token_type: params.requested_token_type ?? 'urn:ietf:params:oauth:token-type:access_token',
      }),
    };
  }

  async #verify(jwt: string): Promise<void> {
    const keys = createLocalJWKSet(this.cluster.jwks as unknown as JSONWebKeySet);
    try {
      await jwtVerify(jwt, keys, { audience: this.issuer });
    } catch (error) {
      throw new errors.InvalidGrant(`the token is not accepted: ${(error as Error).message}`);
    }
  }
}

function described(parameters: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(parameters)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [
        name,
        /^(client_assertion|assertion|subject_token|actor_token)$/.test(name) ? 'JWT' : String(value),
      ]),
  );
}
