import { TokenSignatureError } from '../errors.js';
import type { BoundToken } from './bound-token.js';

/**
 * What jose's `jwtVerify` takes as a key: a key, or a function that finds it, such as `createRemoteJWKSet` returns.
 * Written out here rather than imported: jose has its types as an ES module only, which CommonJS consumers cannot import.
 */
export type TokenVerificationKey =
  | object
  | ((
      protectedHeader: { readonly alg: string; readonly kid?: string },
      token: { readonly payload: string; readonly protected?: string; readonly signature: string },
    ) => unknown);

/** What a Kubernetes API server signs with (kubernetes/kubernetes pkg/serviceaccount/jwt.go). Never `none`, never HMAC. */
const ALGORITHMS = ['RS256', 'ES256', 'ES384', 'ES512'];

/** Throws `ERR_TOKEN_SIGNATURE` unless the token was signed with the key. */
export async function verifySignature(token: BoundToken, key: TokenVerificationKey): Promise<void> {
  // Loaded at the first use: most programs leave the signature to the recipient.
  const { compactVerify } = await import('jose/jws/compact/verify');
  try {
    await compactVerify(token.value, key as Parameters<typeof compactVerify>[1], { algorithms: ALGORITHMS });
  } catch (cause) {
    throw new TokenSignatureError(
      'The signature of the token could not be verified with the key of the option "verify". ' +
        'Check that the key set is that of this cluster, and that it is reachable and current.',
      { cause },
    );
  }
}
