/**
 * An Azure credential whose access tokens follow the pod's token, through every rotation.
 *
 * The environment is what the Azure workload identity webhook sets: AZURE_TENANT_ID, AZURE_CLIENT_ID,
 * AZURE_FEDERATED_TOKEN_FILE, AZURE_AUTHORITY_HOST.
 * Run: npx tsx examples/azure.ts
 */
import { fromProjectedToken } from 'projected-token/azure';

// Every Azure library takes it: new SecretClient(vaultUrl, credential), new BlobServiceClient(url, credential), …
const credential = fromProjectedToken({
  // Only Microsoft's own clouds can be looked up in its list of authorities.
  disableInstanceDiscovery: !/\.microsoftonline\.(com|us)\b/.test(
    process.env.AZURE_AUTHORITY_HOST ?? 'login.microsoftonline.com',
  ),
});

const accessToken = await credential.getToken('https://vault.azure.net/.default');
console.log(`Signed in until ${new Date(accessToken!.expiresOnTimestamp).toISOString()}`);
