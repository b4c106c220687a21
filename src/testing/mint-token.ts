import { type JsonWebKeySet, type MintOptions, type TokenAlgorithm, TokenIssuer } from './token-issuer.js';

const ALGORITHMS: readonly TokenAlgorithm[] = ['ES256', 'RS256'];

/** Options of {@link mintToken}. */
export interface MintTokenOptions extends MintOptions {
  /** Signature algorithm. @default 'ES256', as its key is made fastest; most clusters sign with RS256 */
  readonly algorithm?: TokenAlgorithm;
}

/**
 * Resolves with a signed token in the form of Kubernetes. All tokens of a process are signed with one key per algorithm;
 * {@link mintedTokenKeys} returns the keys.
 *
 * @example
 * ```ts
 * volume.write(await mintToken({ audience: 'vault', expiresInSeconds: 600 }));
 * ```
 */
export async function mintToken({ algorithm = 'ES256', ...options }: MintTokenOptions = {}): Promise<string> {
  return (await TokenIssuer.create({ algorithm })).mint(options);
}

/** Resolves with the public key set that verifies the tokens of {@link mintToken}. */
export async function mintedTokenKeys(): Promise<JsonWebKeySet> {
  const issuers = await Promise.all(ALGORITHMS.map((algorithm) => TokenIssuer.create({ algorithm })));
  return { keys: issuers.flatMap(({ jwks }) => jwks.keys) };
}
