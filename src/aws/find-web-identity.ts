import { InvalidOptionError } from '../errors.js';
import { sharedSource } from '../provider/shared-source.js';
import type { TokenSource } from '../token-source.js';
import { profileFiles, readProfile } from './shared-profile.js';

/** The parameters by which a role is assumed. */
export interface WebIdentity {
  readonly source: TokenSource;
  readonly roleArn: string;
  readonly roleSessionName: string | undefined;
}

/** The part that the caller sets. */
export type GivenWebIdentity = Partial<WebIdentity> & {
  readonly webIdentityTokenFile?: string | undefined;
  readonly profile?: string | undefined;
};

/**
 * Finds role and token file: in the options, in the environment as the webhooks of EKS and ROSA set it, or in a profile as the Cloud
 * Credential Operator of OpenShift mounts it.
 *
 * @throws `ERR_TOKEN_OPTION` if one is missing
 * @see https://docs.aws.amazon.com/eks/latest/userguide/pod-configuration.html
 */
export async function findWebIdentity(given: GivenWebIdentity): Promise<WebIdentity> {
  const { AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN, AWS_ROLE_SESSION_NAME, AWS_PROFILE } = process.env;
  const name = given.profile ?? (AWS_PROFILE || 'default');
  const file = given.webIdentityTokenFile ?? AWS_WEB_IDENTITY_TOKEN_FILE;
  if (given.source !== undefined || file) {
    const roleArn = given.roleArn ?? AWS_ROLE_ARN;
    if (!roleArn) {
      throw missing(
        'roleArn',
        'There is no role to assume. Set the option "roleArn" or the environment variable AWS_ROLE_ARN; on EKS, the annotation eks.amazonaws.com/role-arn of the service account sets it.',
      );
    }
    const roleSessionName = given.roleSessionName ?? AWS_ROLE_SESSION_NAME;
    return { source: given.source ?? sharedSource(file!), roleArn, roleSessionName };
  }
  const files = profileFiles();
  const profile = await readProfile(name, files);
  const profileFile = profile.get('web_identity_token_file');
  const roleArn = given.roleArn ?? profile.get('role_arn');
  if (!profileFile || !roleArn) {
    throw missing(
      profileFile ? 'roleArn' : 'source',
      `There is no web identity: AWS_WEB_IDENTITY_TOKEN_FILE is not set, and the profile "${name}" has no ${profileFile ? 'role_arn' : 'web_identity_token_file'} (${files.config}, ${files.credentials}).` +
        ' On EKS and ROSA a webhook sets the variable when a pod is created: check the annotation eks.amazonaws.com/role-arn of its service account and recreate the pod, or set the options "source" and "roleArn".',
    );
  }
  const roleSessionName = given.roleSessionName ?? profile.get('role_session_name');
  return { source: sharedSource(profileFile), roleArn, roleSessionName };
}

/** With `tryNextLink`, a chain of the SDK goes on to the next provider instead of failing. */
function missing(option: string, message: string): InvalidOptionError {
  return Object.assign(new InvalidOptionError(option, message), { tryNextLink: true });
}
