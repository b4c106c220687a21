import { type JsonWebKeySet, type MintOptions, TokenIssuer } from './token-issuer.js';

let shared: Promise<TokenIssuer> | undefined;

function sharedIssuer(): Promise<TokenIssuer> {
  shared ??= TokenIssuer.create({ algorithm: 'ES256' });
  return shared;
}

/**
 * A signed token shaped like Kubernetes'. All tokens of a process are signed with one key, which {@link mintedTokenKeys} gives.
 *
 * @example
 * ```ts
 * volume.write(await mintToken({ audience: 'vault', expiresInSeconds: 600 }));
 * ```
 */
export async function mintToken(options: MintOptions = {}): Promise<string> {
  return (await sharedIssuer()).mint(options);
}

/** The public key set that verifies the tokens of {@link mintToken}. */
export async function mintedTokenKeys(): Promise<JsonWebKeySet> {
  return (await sharedIssuer()).jwks;
}
