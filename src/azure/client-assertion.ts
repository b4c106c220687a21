import { SOURCE_TIMEOUT_MS, tokenFrom } from '../exchange/source-token.js';
import { type ExpectedAudience, expectAudience } from '../token/expect-audience.js';
import type { TokenSource } from '../token-source.js';

/** Audience of federated identity credentials of Microsoft Entra ID, as Azure AD Workload Identity sets it up. */
export const AZURE_AUDIENCE = 'api://AzureADTokenExchange';

/** Options of {@link clientAssertion}. */
export interface ClientAssertionOptions {
  /**
   * Audience that the token must have: the one of the federated identity credential, another one in sovereign clouds
   * (`api://AzureADTokenExchangeUSGov`, `api://AzureADTokenExchangeChina`); `false` leaves the check to Entra ID.
   * @default 'api://AzureADTokenExchange'
   */
  readonly audience?: ExpectedAudience;
}

/**
 * Returns the function that `ClientAssertionCredential` of `@azure/identity` calls for its client assertion, from a source of service
 * account tokens.
 *
 * The credential calls Microsoft Entra ID, caches the access token, and requests a new one before it expires. Each exchange takes the
 * newest token of the source.
 *
 * Errors of Entra ID are the SDK's own. The SDK wraps what this function throws into its `AuthenticationRequiredError` with the same
 * message:
 *
 * @throws `ERR_TOKEN_AUDIENCE` if the token is for another audience; Entra ID is not called then
 *
 * @example
 * ```ts
 * import { ClientAssertionCredential } from '@azure/identity';
 * import { ProjectedTokenProvider } from 'projected-token';
 * import { clientAssertion } from 'projected-token/azure';
 *
 * const source = await ProjectedTokenProvider.open({ path: '/var/run/secrets/azure/tokens/azure-identity-token' });
 * const credential = new ClientAssertionCredential(
 *   process.env.AZURE_TENANT_ID!,
 *   process.env.AZURE_CLIENT_ID!,
 *   clientAssertion(source),
 * );
 * ```
 */
export function clientAssertion(source: TokenSource, options: ClientAssertionOptions = {}): () => Promise<string> {
  const { audience = AZURE_AUDIENCE } = options;
  return async () => {
    const token = await tokenFrom(source, SOURCE_TIMEOUT_MS);
    expectAudience(token, audience);
    return token;
  };
}
