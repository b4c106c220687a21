import { type JsonWebKeySet, type MintOptions, type TokenAlgorithm, TokenIssuer } from './token-issuer.js';

const ALGORITHMS: readonly TokenAlgorithm[] = ['ES256', 'RS256'];

/** What {@link mintToken} puts into a token, and how it signs it. */
export interface MintTokenOptions extends MintOptions {
  /** @default 'ES256', whose key is made in no time; most clusters sign with RS256 */
  readonly algorithm?: TokenAlgorithm;
}

/**
 * A signed token shaped like Kubernetes'. All tokens of a process are signed with one key for each algorithm;
 * {@link mintedTokenKeys} gives them.
 *
 * @example
 * ```ts
 * volume.write(await mintToken({ audience: 'vault', expiresInSeconds: 600 }));
 * ```
 */
export async function mintToken({ algorithm = 'ES256', ...options }: MintTokenOptions = {}): Promise<string> {
  return (await TokenIssuer.create({ algorithm })).mint(options);
}

/** The public key set that verifies the tokens of {@link mintToken}. */
export async function mintedTokenKeys(): Promise<JsonWebKeySet> {
  const issuers = await Promise.all(ALGORITHMS.map((algorithm) => TokenIssuer.create({ algorithm })));
  return { keys: issuers.flatMap(({ jwks }) => jwks.keys) };
}
