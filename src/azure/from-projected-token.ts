import type { ClientAssertionCredential, ClientAssertionCredentialOptions, TokenCredential } from '@azure/identity';
import { InvalidOptionError } from '../errors.js';
import { sharedSource } from '../provider/shared-source.js';
import type { ExpectedAudience } from '../token/expect-audience.js';
import type { TokenSource } from '../token-source.js';
import { AZURE_AUDIENCE, clientAssertion } from './client-assertion.js';

/** Options of {@link fromProjectedToken}, in addition to those of `ClientAssertionCredential` of the SDK. */
export interface FromProjectedTokenOptions extends ClientAssertionCredentialOptions {
  /**
   * Source of the client assertion; called at each exchange.
   *
   * @default a provider of the file `tokenFilePath`, shared by all calls of this process
   */
  readonly source?: TokenSource;
  /**
   * The file with the client assertion, if there is no `source`.
   *
   * @default environment variable `AZURE_FEDERATED_TOKEN_FILE`
   */
  readonly tokenFilePath?: string;
  /**
   * Tenant of Microsoft Entra ID.
   *
   * @default environment variable `AZURE_TENANT_ID`
   */
  readonly tenantId?: string;
  /**
   * Client ID of the application or managed identity.
   *
   * @default environment variable `AZURE_CLIENT_ID`
   */
  readonly clientId?: string;
  /**
   * Audience that the token must have; `false` leaves the check to Entra ID.
   *
   * @default 'api://AzureADTokenExchange' for the tokens of a `source`; `false` for a file, as the pod's webhook chose its audience
   */
  readonly audience?: ExpectedAudience;
}

/**
 * Returns a credential for every client of the Azure SDK for JavaScript, instead of `WorkloadIdentityCredential` and with the same
 * defaults. In a pod that the webhook of Azure Workload Identity has prepared, there is nothing to configure.
 *
 * Each exchange takes the newest token, while the SDK's own credential caches one for five minutes. While the file is unreadable for a
 * moment, the last good token is used. The SDK reads `AZURE_AUTHORITY_HOST`.
 *
 * Errors are as of {@link clientAssertion}.
 *
 * @throws `ERR_TOKEN_OPTION` if the tenant, the client or the token is not given
 *
 * @example
 * ```ts
 * import { SecretClient } from '@azure/keyvault-secrets';
 * import { fromProjectedToken } from 'projected-token/azure';
 *
 * const secrets = new SecretClient('https://shop.vault.azure.net', fromProjectedToken());
 * ```
 */
export function fromProjectedToken(options: FromProjectedTokenOptions = {}): TokenCredential {
  const { source: givenSource, tokenFilePath, tenantId, clientId, audience, ...init } = options;
  const { AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_FEDERATED_TOKEN_FILE } = process.env;
  const tenant = required('tenantId', tenantId ?? AZURE_TENANT_ID, 'AZURE_TENANT_ID');
  const client = required('clientId', clientId ?? AZURE_CLIENT_ID, 'AZURE_CLIENT_ID');
  const file = () =>
    required('tokenFilePath', tokenFilePath ?? AZURE_FEDERATED_TOKEN_FILE, 'AZURE_FEDERATED_TOKEN_FILE');
  const assertion = clientAssertion(givenSource ?? sharedSource(file()), {
    audience: audience ?? (givenSource === undefined ? false : AZURE_AUDIENCE),
  });

  let credential: Promise<ClientAssertionCredential> | undefined;
  const create = async () => {
    // Loaded at the first exchange: the SDK is large, and a program may never need credentials.
    const { ClientAssertionCredential } = await import('@azure/identity');
    return new ClientAssertionCredential(tenant, client, assertion, init);
  };
  return {
    async getToken(scopes, getTokenOptions) {
      credential ??= create();
      return (await credential).getToken(scopes, getTokenOptions);
    },
  };
}

function required(option: string, value: string | undefined, variable: string): string {
  if (value) return value;
  throw new InvalidOptionError(
    option,
    `The option "${option}" and the environment variable ${variable} are missing. The webhook of Azure Workload Identity sets the variable when a pod is created: check the label azure.workload.identity/use of the pod and the annotation azure.workload.identity/client-id of its service account, and recreate the pod.`,
  );
}
