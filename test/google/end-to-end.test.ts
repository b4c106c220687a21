import { tmpdir } from 'node:os';
import { IdentityPoolClient } from 'google-auth-library';
import { BoundToken, ProjectedTokenProvider } from 'projected-token';
import { redactSubjectToken, subjectTokenSupplier } from 'projected-token/google';
import { EmbeddedGoogleSts, TokenIssuer, TokenVolume } from 'projected-token/testing';
import { describe, expect, it } from 'vitest';

describe('Google access tokens from a projected volume', () => {
  it('follow the file through several rotations', async () => {
    const issuer = await TokenIssuer.create({ algorithm: 'ES256' });
    const google = await EmbeddedGoogleSts.start({ trust: issuer });
    const volume = TokenVolume.temporary(tmpdir(), { fileName: 'google-token' });
    const mint = () => issuer.mint({ audience: `https:${google.audience}` });
    volume.write(await mint());
    const source = await ProjectedTokenProvider.open({ path: volume.path });
    const client = redactSubjectToken(
      new IdentityPoolClient({
        type: 'external_account',
        audience: google.audience,
        token_url: google.tokenUrl,
        cloud_resource_manager_url: google.cloudResourceManagerUrl,
        subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
        subject_token_supplier: subjectTokenSupplier(source),
        // Longer than an access token lives: the client asks for a new one at every call.
        eagerRefreshThresholdMillis: 4_000_000,
      }),
    );
    try {
      const expected: string[] = [];
      for (let rotation = 0; rotation < 4; rotation += 1) {
        const token = await mint();
        volume.write(token);
        expected.push(BoundToken.parse(token).fingerprint);
        await expect.poll(() => source.current?.value === token).toBe(true);
        const { status } = await client.request({ url: `${google.cloudResourceManagerUrl}123456789` });
        expect(status).toBe(200);
      }
      expect(google.exchanges.map(({ fingerprint }) => fingerprint)).toEqual(expected);
    } finally {
      await source.close();
      volume[Symbol.dispose]();
      await google.close();
    }
  });
});
