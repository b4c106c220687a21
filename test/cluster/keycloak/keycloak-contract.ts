import { tmpdir } from 'node:os';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { ProjectedTokenProvider } from 'projected-token';
import { OAuthTokenProvider, type OAuthTokenProviderOptions } from 'projected-token/oauth';
import { TokenVolume } from 'projected-token/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectNoToken, rejectionOf, SettableSource } from '../../helpers/federation.js';
import { Keycloak } from './keycloak.js';

/** A cluster whose API server anybody may ask for its keys. */
export interface IssuingCluster {
  /** Claim `iss` of its tokens; also its address. */
  readonly issuer: string;
  /** CA certificate of the API server, in PEM. */
  readonly ca: string;
  /** A token of the service account of that name, of the namespace `demo`: `app` and `other` are there. */
  createToken(serviceAccount: string, audience: string): Promise<string>;
  close(): Promise<void>;
}

const SUBJECT = 'system:serviceaccount:demo:app';

/** What OAuthTokenProvider does with a real Keycloak that trusts a cluster. */
export function describeKeycloak(name: string, start: () => Promise<IssuingCluster>): void {
  describe(`Keycloak that trusts ${name}`, () => {
    let cluster: IssuingCluster;
    let keycloak: Keycloak;
    let issuer: string;

    beforeAll(async () => {
      cluster = await start();
      keycloak = await Keycloak.start(cluster.ca);
      issuer = await keycloak.addRealm('shop');
      const providers = '/shop/identity-provider/instances';
      await keycloak.create(providers, {
        alias: 'kubernetes',
        providerId: 'kubernetes',
        config: { issuer: cluster.issuer },
      });
      await keycloak.create(providers, {
        alias: 'grants',
        providerId: 'jwt-authorization-grant',
        config: {
          issuer: cluster.issuer,
          useJwksUrl: 'true',
          jwksUrl: `${cluster.issuer}/openid/v1/jwks`,
          jwtAuthorizationGrantEnabled: 'true',
          // A pod keeps its token for as long as it lives, and sends it again at each exchange.
          jwtAuthorizationGrantAssertionReuseAllowed: 'true',
          jwtAuthorizationGrantMaxAllowedAssertionExpiration: '7200',
          jwtAuthorizationGrantAssertionSignatureAlg: 'RS256',
        },
      });
      await keycloak.create('/shop/clients', {
        clientId: 'checkout',
        serviceAccountsEnabled: true,
        standardFlowEnabled: false,
        clientAuthenticatorType: 'federated-jwt',
        attributes: {
          'jwt.credential.issuer': 'kubernetes',
          'jwt.credential.sub': SUBJECT,
          'standard.token.exchange.enabled': 'true',
          'oauth2.jwt.authorization.grant.enabled': 'true',
          'oauth2.jwt.authorization.grant.idp': 'grants',
        },
      });
      await keycloak.create('/shop/users', {
        username: 'robot',
        enabled: true,
        email: 'robot@shop.test',
        firstName: 'Ro',
        lastName: 'Bot',
        emailVerified: true,
        federatedIdentities: [{ identityProvider: 'grants', userId: SUBJECT, userName: 'app' }],
      });
    }, 900_000);

    afterAll(async () => {
      await keycloak?.[Symbol.asyncDispose]();
      await cluster?.close();
    }, 60_000);

    /** A provider of access tokens in exchange for a token of the service account, by default for this realm. */
    async function open(options: Partial<OAuthTokenProviderOptions> = {}, audience = issuer, serviceAccount = 'app') {
      const source = new SettableSource(await cluster.createToken(serviceAccount, audience));
      return OAuthTokenProvider.open({ issuer, source, grant: 'client-credentials', ...options });
    }

    /** The claims of a token that an API would accept: of this realm, signed, not expired. */
    async function verified(provider: OAuthTokenProvider) {
      const keys = createRemoteJWKSet(new URL(`${issuer}/protocol/openid-connect/certs`));
      return (await jwtVerify(await provider.getToken(), keys, { issuer })).payload;
    }

    it('gives an access token to the client, known by the subject, over rotations of the token in a volume', async () => {
      using volume = TokenVolume.temporary(tmpdir(), { fileName: 'token' });
      volume.write(await cluster.createToken('app', issuer));
      await using source = await ProjectedTokenProvider.open({ path: volume.path, audience: issuer });
      await using provider = await open({ source });
      expect(await verified(provider)).toMatchObject({
        azp: 'checkout',
        preferred_username: 'service-account-checkout',
      });
      for (let rotation = 0; rotation < 3; rotation++) {
        volume.write(await cluster.createToken('app', issuer));
        const before = await provider.getToken();
        expect(await provider.replaceToken(before)).not.toBe(before);
        expect(await verified(provider)).toMatchObject({ azp: 'checkout' });
      }
      expect(provider.status).toMatchObject({ state: 'ready', counts: { exchanges: 4, failures: 0 } });
      const { expiresAt, obtainedAt } = provider.status.token!;
      expect(expiresAt.getTime() - obtainedAt.getTime()).toBe(290_000);
    });

    it('gives a token of a user for the token as JWT bearer grant', async () => {
      await using provider = await open({ grant: 'jwt-bearer', clientAuthentication: 'client-assertion' });
      expect(await verified(provider)).toMatchObject({ azp: 'checkout', preferred_username: 'robot' });
    });

    it('exchanges a token of its own, where the service account token proves the client', async () => {
      await using subjectSource = await open();
      await using provider = await open({
        grant: 'token-exchange',
        clientAuthentication: 'client-assertion',
        subjectSource,
      });
      expect(await verified(provider)).toMatchObject({ azp: 'checkout' });
      expect(provider.status.token!.issuedTokenType).toBe('urn:ietf:params:oauth:token-type:access_token');
    });

    it.each<[string, Partial<OAuthTokenProviderOptions>, string, string, string]>([
      ['another audience', {}, 'vault', 'app', 'Audience: '],
      ['a scope that it does not know', { scope: 'nope' }, '', 'app', 'Scope: the option "scope" asks for "nope".'],
      ['another subject', {}, '', 'other', 'Client: '],
      ['another client', { clientId: 'ghost' }, '', 'app', 'Client: the client "ghost" must exist'],
      [
        'a user that it does not know',
        { grant: 'jwt-bearer', clientAuthentication: () => {}, clientId: 'checkout' },
        '',
        'other',
        'Client: the client "checkout" must exist',
      ],
    ])('refuses %s, and the error says what to check', async (_, options, audience, serviceAccount, advice) => {
      const source = new SettableSource(await cluster.createToken(serviceAccount, audience || issuer));
      const error = await rejectionOf(open({ ...options, source }));
      expect(error.code).toMatch(/^ERR_EXCHANGE_(DENIED|INVALID)$/);
      expect(error.message).toContain(`. ${advice}`);
      expect(error.message).toContain(`The token is of system:serviceaccount:demo:${serviceAccount}`);
      expectNoToken(error, source.current);
    });

    it('that does not answer costs no token, and the next one comes once it does', async () => {
      await using provider = await open({ timeoutMs: 1000 });
      const before = await provider.getToken();
      const failed = new Promise<Error>((resolve) => provider.once('error', resolve));
      const rotated = new Promise((resolve) => provider.once('rotated', resolve));
      keycloak.freeze();
      try {
        expect(await provider.replaceToken(before)).toBeUndefined();
        expect(await failed).toMatchObject({ code: 'ERR_EXCHANGE_UNAVAILABLE' });
        expect(await provider.getToken()).toBe(before);
      } finally {
        keycloak.thaw();
      }
      // The pause after the failure is a second at most; the next rejected token is replaced then.
      await expect.poll(() => provider.replaceToken(before), { timeout: 30_000, interval: 200 }).toBeDefined();
      await rotated;
      expect(await verified(provider)).toMatchObject({ azp: 'checkout' });
    }, 60_000);
  });
}
