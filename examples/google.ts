/**
 * A Google Cloud client whose access token follows the pod's token, through every rotation.
 *
 * GOOGLE_APPLICATION_CREDENTIALS names a credential configuration of workload identity federation, as
 * `gcloud iam workload-identity-pools create-cred-config … --credential-source-file=…` writes it.
 * Run: npx tsx examples/google.ts
 */
import { readFile } from 'node:fs/promises';
import { IdentityPoolClient } from 'google-auth-library';
import { ProjectedTokenProvider } from 'projected-token';
import { redactSubjectToken, subjectTokenSupplier } from 'projected-token/google';

const { credential_source, ...configuration } = JSON.parse(
  await readFile(process.env.GOOGLE_APPLICATION_CREDENTIALS!, 'utf8'),
);
const source = await ProjectedTokenProvider.open({ path: credential_source.file });

// Every Google Cloud library takes it as `authClient`: new Storage({ authClient }), …
const authClient = redactSubjectToken(
  new IdentityPoolClient({ ...configuration, subject_token_supplier: subjectTokenSupplier(source) }),
);

console.log(`Signed in to the project ${await authClient.getProjectId()}`);

await source.close();
