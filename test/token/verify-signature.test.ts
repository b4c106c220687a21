import { createLocalJWKSet, importJWK, SignJWT } from 'jose';
import { BoundToken, TokenSignatureError } from 'projected-token';
import { TokenIssuer } from 'projected-token/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { verifySignature } from '../../src/token/verify-signature.js';

let cluster: TokenIssuer;
let token: BoundToken;

beforeEach(async () => {
  cluster = await TokenIssuer.create({ algorithm: 'ES256' });
  token = BoundToken.parse(await cluster.mint());
});

const keySetOf = ({ jwks }: TokenIssuer) => createLocalJWKSet(jwks as never);

describe('a signature', () => {
  it.each(['RS256', 'ES256'] as const)('with %s is verified by the key set, and by the key', async (algorithm) => {
    const issuer = await TokenIssuer.create({ algorithm });
    const signed = BoundToken.parse(await issuer.mint());
    await expect(verifySignature(signed, keySetOf(issuer))).resolves.toBeUndefined();
    await expect(verifySignature(signed, await importJWK(issuer.jwks.keys[0] as never))).resolves.toBeUndefined();
  });

  it('of another key is not', async () => {
    const other = await TokenIssuer.create({ algorithm: 'ES256', newKey: true });
    const error = await verifySignature(token, keySetOf(other)).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(TokenSignatureError);
    expect(error).toMatchObject({
      code: 'ERR_TOKEN_SIGNATURE',
      message: expect.stringMatching(/could not be verified.*"verify".*key set is that of this cluster/),
      cause: { code: 'ERR_JWKS_NO_MATCHING_KEY' },
    });
  });

  it('is not when the keys cannot be had', async () => {
    const cause = new Error('no network');
    const failing = () => Promise.reject(cause);
    await expect(verifySignature(token, failing)).rejects.toMatchObject({ code: 'ERR_TOKEN_SIGNATURE', cause });
  });

  it('with a shared secret is not, though it is right', async () => {
    const secret = new Uint8Array(32).fill(7);
    const signed = await new SignJWT({ exp: 1 }).setProtectedHeader({ alg: 'HS256' }).sign(secret);
    await expect(verifySignature(BoundToken.parse(signed), secret)).rejects.toMatchObject({
      code: 'ERR_TOKEN_SIGNATURE',
      cause: { code: 'ERR_JOSE_ALG_NOT_ALLOWED' },
    });
  });

  it.each(['ES384', 'ES512'])('with %s is verified too', async (algorithm) => {
    const { generateKeyPair } = await import('jose');
    const { privateKey, publicKey } = await generateKeyPair(algorithm);
    const signed = await new SignJWT({ exp: 1 }).setProtectedHeader({ alg: algorithm }).sign(privateKey);
    await expect(verifySignature(BoundToken.parse(signed), publicKey)).resolves.toBeUndefined();
  });
});
