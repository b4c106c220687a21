import { readFile } from 'node:fs/promises';
import { isProjectedTokenError } from '../internal/is-projected-token-error.js';
import type { BoundToken } from '../token/bound-token.js';
import type { KeySource } from './arguments.js';
import { type Finding, findingOf } from './finding.js';

/**
 * Checks the signature of a token with the keys of its issuer. Resolves with the problem, or with undefined.
 *
 * @throws `ERR_TOKEN_OPTION` for invalid options
 */
export async function checkSignature(token: BoundToken, source: KeySource): Promise<Finding | undefined> {
  const { apiServer, ca, bearer } = source;
  const { issuer } = token;
  if (issuer === undefined) {
    return { severity: 'error', code: 'ERR_VERIFY_ISSUER', message: 'The token names no issuer (claim "iss").' };
  }
  // Loaded here: the other commands need no HTTP client.
  const { proveSignature } = await import('../verify/prove-signature.js');
  try {
    await proveSignature(token.value, {
      issuer,
      ...(apiServer !== undefined && { apiServer }),
      ...(ca !== undefined && { ca }),
      ...(bearer !== undefined && { bearer: async () => (await readFile(bearer, 'utf8')).trim() }),
    });
    return undefined;
  } catch (error) {
    // The issuer is the token's; the rest comes from the command line.
    const isOption = isProjectedTokenError(error) && error.code === 'ERR_TOKEN_OPTION';
    if (!isProjectedTokenError(error) || (isOption && (error as { option?: unknown }).option !== 'issuer')) throw error;
    const finding = findingOf(error);
    if (isOption) return { ...finding, code: 'ERR_VERIFY_ISSUER', message: noUrl(issuer) };
    if (finding.code !== 'ERR_VERIFY_UNAVAILABLE' || apiServer !== undefined) return finding;
    return { ...finding, message: `${finding.message} ${OTHER_WAY}` };
  }
}

const OTHER_WAY =
  'If the issuer cannot be reached from here, get the keys from its API server (--api-server, --ca, --bearer), for example through kubectl proxy.';

function noUrl(issuer: string): string {
  return `The issuer ${JSON.stringify(issuer)} of the token is not a URL with https, so it publishes no keys. Get them from its API server (--api-server).`;
}
