import { ClientAssertionCredential } from '@azure/identity';
import { BoundToken } from 'projected-token';
import { type ClientAssertionOptions, clientAssertion } from 'projected-token/azure';
import { EmbeddedEntraId } from 'projected-token/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createTestCluster,
  expectNoToken,
  rejectionOf,
  SettableSource,
  type TestCluster,
} from '../helpers/federation.js';

const AUDIENCE = 'api://AzureADTokenExchange';
const SCOPE = 'https://vault.azure.net/.default';

let cluster: TestCluster;
let entra: EmbeddedEntraId;

beforeEach(async () => {
  cluster = await createTestCluster();
  entra = await EmbeddedEntraId.start({ trust: cluster, subject: 'system:serviceaccount:demo:app' });
});

afterEach(() => entra.close());

const outcomes = () => entra.exchanges.map(({ outcome }) => outcome);

function credential(
  source: SettableSource,
  options: ClientAssertionOptions = {},
  clientId = entra.clientId,
): ClientAssertionCredential {
  return new ClientAssertionCredential(entra.tenantId, clientId, clientAssertion(source, options), {
    authorityHost: entra.origin,
    disableInstanceDiscovery: true,
    tlsOptions: { ca: entra.ca },
  });
}

describe('clientAssertion', () => {
  it('gives a credential of the SDK an access token of Entra ID', async () => {
    const token = await cluster.mint({ audience: AUDIENCE });
    const accessToken = await credential(new SettableSource(token)).getToken(SCOPE);
    expect(entra.accepts(accessToken.token)).toBe(true);
    expect(accessToken.expiresOnTimestamp).toBeGreaterThan(Date.now() + 3_500_000);
    expect(entra.exchanges).toEqual([{ fingerprint: BoundToken.parse(token).fingerprint, outcome: 'granted' }]);
  });

  it('exchanges once for many calls of one credential', async () => {
    const sdk = credential(new SettableSource(await cluster.mint({ audience: AUDIENCE })));
    for (let call = 0; call < 5; call += 1) await sdk.getToken(SCOPE);
    expect(outcomes()).toEqual(['granted']);
  });

  it('takes the newest token at each exchange, over several rotations', async () => {
    const source = new SettableSource('');
    const sdk = credential(source);
    const expected: string[] = [];
    for (let rotation = 0; rotation < 5; rotation += 1) {
      source.current = await cluster.mint({ audience: AUDIENCE });
      expected.push(BoundToken.parse(source.current).fingerprint);
      // Another scope: an access token that the SDK does not hold yet.
      await sdk.getToken(`https://service-${rotation}.test/.default`);
    }
    expect(entra.exchanges.map(({ fingerprint }) => fingerprint)).toEqual(expected);
    expect(new Set(outcomes())).toEqual(new Set(['granted']));
  });

  it("surfaces AADSTS700024 as the SDK's own error, and recovers with the next token", async () => {
    const expired = await cluster.mint({ audience: AUDIENCE, expiresInSeconds: -60 });
    const source = new SettableSource(expired);
    const sdk = credential(source);
    const error = await rejectionOf(sdk.getToken(SCOPE));
    expect(error.name).toBe('AuthenticationRequiredError');
    expect(error.message).toContain('AADSTS700024: Client assertion is not within its valid time range.');
    expectNoToken(error, expired);
    source.current = await cluster.mint({ audience: AUDIENCE });
    expect(entra.accepts((await sdk.getToken(SCOPE)).token)).toBe(true);
    expect(outcomes()).toEqual(['AADSTS700024', 'granted']);
  });

  it('catches a wrong audience before Entra ID is asked, and says both audiences', async () => {
    const token = await cluster.mint({ audience: 'vault' });
    const error = await rejectionOf(credential(new SettableSource(token)).getToken(SCOPE));
    expect(error.message).toContain('The token is for the audience "vault", not for "api://AzureADTokenExchange".');
    expect(entra.requests).toBe(0);
    expectNoToken(error, token);
  });

  it('throws a typed error when it is called by something that does not wrap it', async () => {
    const source = new SettableSource(await cluster.mint({ audience: 'vault' }));
    expect(await rejectionOf(clientAssertion(source)())).toMatchObject({
      name: 'TokenClaimError',
      code: 'ERR_TOKEN_AUDIENCE',
      claim: 'aud',
      expected: [AUDIENCE],
      found: ['vault'],
    });
  });

  it('accepts the audiences that it is told to, and leaves the check to Entra ID when told so', async () => {
    const source = new SettableSource(await cluster.mint({ audience: 'other' }));
    for (const audience of ['other', ['sts', 'other'], false] as const) {
      const error = await rejectionOf(credential(source, { audience }).getToken(SCOPE));
      expect(error.message).toContain('AADSTS700212');
    }
    expect(outcomes()).toEqual(['AADSTS700212', 'AADSTS700212', 'AADSTS700212']);
  });

  it('shows no token in the errors of other refusals', async () => {
    const forged = await (await createTestCluster()).mint({ audience: AUDIENCE });
    const signature = await rejectionOf(credential(new SettableSource(forged)).getToken(SCOPE));
    expect(signature.message).toContain('AADSTS700027');
    expectNoToken(signature, forged);

    const stranger = await (await createTestCluster('https://other.test')).mint({ audience: AUDIENCE });
    const issuer = await rejectionOf(credential(new SettableSource(stranger)).getToken(SCOPE));
    expect(issuer.message).toContain("presented assertion issuer 'https://other.test'");
    expectNoToken(issuer, stranger);

    const token = await cluster.mint({ audience: AUDIENCE });
    const application = await rejectionOf(credential(new SettableSource(token), {}, 'nobody').getToken(SCOPE));
    expect(application.message).toContain('AADSTS700016');
    expectNoToken(application, token);
    expect(outcomes()).toEqual(['AADSTS700027', 'AADSTS700211', 'AADSTS700016']);
  });

  it('shows no token in the error of a server that cannot be reached', async () => {
    const token = await cluster.mint({ audience: AUDIENCE });
    const sdk = new ClientAssertionCredential(
      entra.tenantId,
      entra.clientId,
      clientAssertion(new SettableSource(token)),
      {
        authorityHost: entra.origin,
        disableInstanceDiscovery: true,
        retryOptions: { maxRetries: 0 },
        tlsOptions: { ca: entra.ca },
      },
    );
    await entra.close();
    expectNoToken(await rejectionOf(sdk.getToken(SCOPE)), token);
  });
});
