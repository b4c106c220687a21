import { tmpdir } from 'node:os';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { BoundToken, ProjectedTokenProvider } from 'projected-token';
import { fromProjectedToken } from 'projected-token/aws';
import { EmbeddedAwsSts, TokenIssuer, TokenVolume } from 'projected-token/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

let issuer: TokenIssuer;
let sts: EmbeddedAwsSts;
let volume: TokenVolume;

beforeEach(async () => {
  issuer = await TokenIssuer.create({ algorithm: 'ES256' });
  sts = await EmbeddedAwsSts.start({ trust: issuer });
  volume = TokenVolume.temporary(tmpdir(), { fileName: 'aws-token' });
});

afterEach(async () => {
  volume[Symbol.dispose]();
  await sts.close();
});

const mint = () => issuer.mint({ audience: 'sts.amazonaws.com' });

describe('AWS credentials from a projected volume', () => {
  it('follow the file through several rotations', async () => {
    volume.write(await mint());
    const source = await ProjectedTokenProvider.open({ path: volume.path });
    const credentials = fromProjectedToken({
      source,
      roleArn: 'arn:aws:iam::123456789012:role/app',
      region: 'eu-central-1',
      clientConfig: { endpoint: sts.origin },
    });
    try {
      const expected: string[] = [];
      for (let rotation = 0; rotation < 4; rotation += 1) {
        const token = await mint();
        volume.write(token);
        expected.push(BoundToken.parse(token).fingerprint);
        await expect.poll(() => source.current?.value === token).toBe(true);
        // A new client each time: one that holds credentials would not ask for others before they are about to expire.
        const client = new STSClient({ region: 'eu-central-1', endpoint: sts.origin, credentials });
        await client.send(new GetCallerIdentityCommand({}));
        client.destroy();
      }
      expect(sts.exchanges.map(({ fingerprint }) => fingerprint)).toEqual(expected);
      expect(sts.exchanges.every(({ outcome }) => outcome === 'granted')).toBe(true);
    } finally {
      await source.close();
    }
  });

  it('follow the file when STS refuses the token that was just taken from it', async () => {
    const held = await mint();
    volume.write(held);
    // The kubelet replaces the file just after the token was taken for the exchange.
    const source = await ProjectedTokenProvider.open({ path: volume.path });
    const getToken = source.getToken.bind(source);
    source.getToken = async (options) => {
      const token = await getToken(options);
      volume.write(await mint());
      return token;
    };
    sts.failNext({ code: 'ExpiredTokenException', message: 'Token expired' });
    try {
      await fromProjectedToken({
        source,
        roleArn: 'arn:aws:iam::123456789012:role/app',
        region: 'eu-central-1',
        clientConfig: { endpoint: sts.origin },
      })();
      expect(sts.exchanges.map(({ outcome }) => outcome)).toEqual(['ExpiredTokenException', 'granted']);
      expect(sts.exchanges[1]!.fingerprint).toBe(BoundToken.parse(volume.content!).fingerprint);
    } finally {
      await source.close();
    }
  });
});
