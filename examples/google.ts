/**
 * A Google Cloud client whose access token follows the pod's token, through every rotation.
 *
 * GOOGLE_APPLICATION_CREDENTIALS names a credential configuration of workload identity federation, as
 * `gcloud iam workload-identity-pools create-cred-config … --credential-source-file=…` writes it.
 * Run: npx tsx examples/google.ts
 */
import { fromProjectedToken } from 'projected-token/google';

// Every Google Cloud library takes it as `authClient`: new Storage({ authClient }), …
const authClient = await fromProjectedToken();

console.log(`Signed in to the project ${await authClient.getProjectId()}`);
