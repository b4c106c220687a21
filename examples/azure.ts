/**
 * An Azure credential whose access tokens follow the pod's token, through every rotation.
 *
 * The environment is what the Azure workload identity webhook sets: AZURE_TENANT_ID, AZURE_CLIENT_ID,
 * AZURE_FEDERATED_TOKEN_FILE, AZURE_AUTHORITY_HOST.
 * Run: npx tsx examples/azure.ts
 */
import { ClientAssertionCredential } from '@azure/identity';
import { ProjectedTokenProvider } from 'projected-token';
import { clientAssertion } from 'projected-token/azure';

const { AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_FEDERATED_TOKEN_FILE, AZURE_AUTHORITY_HOST } = process.env;

const source = await ProjectedTokenProvider.open({ path: AZURE_FEDERATED_TOKEN_FILE! });

// Every Azure library takes it: new SecretClient(vaultUrl, credential), new BlobServiceClient(url, credential), …
const credential = new ClientAssertionCredential(AZURE_TENANT_ID!, AZURE_CLIENT_ID!, clientAssertion(source), {
  // Only Microsoft's own clouds can be looked up in its list of authorities.
  disableInstanceDiscovery: !/\.microsoftonline\.(com|us)\b/.test(AZURE_AUTHORITY_HOST ?? 'login.microsoftonline.com'),
});

const { expiresOnTimestamp } = await credential.getToken('https://vault.azure.net/.default');
console.log(`Signed in until ${new Date(expiresOnTimestamp).toISOString()}`);

await source.close();
