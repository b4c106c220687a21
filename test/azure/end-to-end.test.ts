import { tmpdir } from 'node:os';
import { ClientAssertionCredential } from '@azure/identity';
import { BoundToken, ProjectedTokenProvider } from 'projected-token';
import { clientAssertion } from 'projected-token/azure';
import { EmbeddedEntraId, TokenIssuer, TokenVolume } from 'projected-token/testing';
import { describe, expect, it } from 'vitest';

describe('Azure access tokens from a projected volume', () => {
  it('follow the file through several rotations', async () => {
    const issuer = await TokenIssuer.create({ algorithm: 'ES256' });
    const entra = await EmbeddedEntraId.start({ trust: issuer });
    const volume = TokenVolume.temporary(tmpdir(), { fileName: 'azure-identity-token' });
    const mint = () => issuer.mint({ audience: 'api://AzureADTokenExchange' });
    volume.write(await mint());
    const source = await ProjectedTokenProvider.open({ path: volume.path });
    const credential = new ClientAssertionCredential(entra.tenantId, entra.clientId, clientAssertion(source), {
      authorityHost: entra.origin,
      disableInstanceDiscovery: true,
      tlsOptions: { ca: entra.ca },
    });
    try {
      const expected: string[] = [];
      for (let rotation = 0; rotation < 4; rotation += 1) {
        const token = await mint();
        volume.write(token);
        expected.push(BoundToken.parse(token).fingerprint);
        await expect.poll(() => source.current?.value === token).toBe(true);
        // Another scope: an access token that the credential does not hold yet.
        const accessToken = await credential.getToken(`https://service-${rotation}.test/.default`);
        expect(entra.accepts(accessToken.token)).toBe(true);
      }
      expect(entra.exchanges.map(({ fingerprint }) => fingerprint)).toEqual(expected);
    } finally {
      await source.close();
      volume[Symbol.dispose]();
      await entra.close();
    }
  });
});
