import { IssuerClient } from './issuer-client.js';
import { KeyDiscovery } from './key-discovery.js';
import { parseToken } from './parse-token.js';
import { PublishedKeys } from './published-keys.js';
import { resolveOptions } from './resolve-options.js';
import { SignatureProof } from './signature-proof.js';
import type { TokenIssuerOptions } from './token-verifier-options.js';
import { IssuerRecord } from './verifier-record.js';

/**
 * Checks the signature of a token with the published keys of its issuer, and nothing else: an expired token passes. For inspecting a
 * token; a service that receives tokens uses `createTokenVerifier`.
 *
 * @param issuer - the issuer, or the API server, to get the keys from
 * @throws `ERR_VERIFY_SIGNATURE`, `ERR_VERIFY_KEY`, `ERR_VERIFY_UNAVAILABLE`; `ERR_VERIFY_MALFORMED`, `ERR_VERIFY_HEADER`,
 * `ERR_VERIFY_ALGORITHM`; `ERR_TOKEN_OPTION`
 */
export async function proveSignature(token: string, issuer: TokenIssuerOptions): Promise<void> {
  // The audience is not looked at.
  const { issuers, algorithms, timeoutMs } = resolveOptions({ ...issuer, audience: 'any' });
  const resolved = issuers[0]!;
  const record = new IssuerRecord(resolved.names[0]!, []);
  const keys = new PublishedKeys(new KeyDiscovery(new IssuerClient(resolved, timeoutMs), resolved), record);
  const { refusal } = await new SignatureProof(keys).prove(parseToken(token, algorithms));
  if (refusal !== undefined) throw refusal;
}
