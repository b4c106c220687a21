import type { FromWebTokenInit, fromWebToken } from '@aws-sdk/credential-provider-web-identity';
import { replacementFrom, SOURCE_TIMEOUT_MS, tokenFrom } from '../exchange/source-token.js';
import { isError } from '../internal/is-error.js';
import { type ExpectedAudience, expectAudience } from '../token/expect-audience.js';
import type { TokenSource } from '../token-source.js';
import { findWebIdentity } from './find-web-identity.js';
import { KeptCredentials } from './kept-credentials.js';

/** Audience that Amazon EKS and the AWS guides use for AWS STS (eks-pod-identity-webhook, annotation `audience`). */
export const AWS_AUDIENCE = 'sts.amazonaws.com';

/** Options of {@link fromProjectedToken}: those of `fromWebToken` of the SDK, without the token. */
export interface FromProjectedTokenOptions extends Omit<FromWebTokenInit, 'webIdentityToken' | 'roleArn'> {
  /**
   * Source of the web identity token; called at each exchange.
   *
   * @default a provider of the file `webIdentityTokenFile`, shared by all calls of this process
   */
  readonly source?: TokenSource;
  /**
   * The file with the web identity token, if there is no `source`.
   *
   * @default environment variable `AWS_WEB_IDENTITY_TOKEN_FILE`, else `web_identity_token_file` of the profile
   */
  readonly webIdentityTokenFile?: string;
  /**
   * The profile with `web_identity_token_file`, `role_arn` and `role_session_name`, used if neither an option nor the environment names a
   * file. It is read from the files of `AWS_SHARED_CREDENTIALS_FILE` and `AWS_CONFIG_FILE`.
   *
   * @default environment variable `AWS_PROFILE`, else 'default'
   */
  readonly profile?: string;
  /**
   * The IAM role to assume.
   *
   * @default environment variable `AWS_ROLE_ARN`, or `role_arn` of the profile that names the file
   */
  readonly roleArn?: string;
  /**
   * Name of the session in CloudTrail.
   *
   * @default `AWS_ROLE_SESSION_NAME`, or `role_session_name` of the profile that names the file, else one that the SDK generates
   */
  readonly roleSessionName?: string;
  /** Region of STS. @default by the SDK: the client's region, `AWS_REGION`, the profile, `us-east-1` */
  readonly region?: string;
  /**
   * Configuration of the STS client, such as `endpoint` or `requestHandler`. The SDK before 3.936 reads only `region`, `profile`,
   * `logger` and `requestHandler` of it; every SDK reads `AWS_ENDPOINT_URL_STS`.
   */
  readonly clientConfig?: FromWebTokenInit['clientConfig'];
  /**
   * Audience that the token must have; `false` leaves the check to STS.
   *
   * @default 'sts.amazonaws.com' for the tokens of a `source`; `false` for a file, as the pod's webhook chose its audience
   */
  readonly audience?: ExpectedAudience;
}

/** A credential provider of the AWS SDK for JavaScript v3. */
export type ProjectedTokenCredentialProvider = ReturnType<typeof fromWebToken>;

/**
 * Returns a credential provider for an IAM role, for every client of the AWS SDK for JavaScript v3. In a pod that the webhook of Amazon
 * EKS, ROSA or OpenShift has prepared, there is nothing to configure: see the defaults of the options.
 *
 * The SDK calls STS, caches the credentials, and requests new ones five minutes before they expire. Each exchange takes the newest token
 * of the source. A token that STS rejects as expired is replaced once. If an exchange fails, the last credentials are used until they
 * expire, and the option `logger` gets a warning.
 *
 * Errors are those of the SDK and of the source, and these:
 *
 * @throws `ERR_TOKEN_AUDIENCE` if the token is for another audience; STS is not called then
 * @throws `ERR_TOKEN_OPTION` if no role or no token is given; a chain of the SDK then tries the next provider
 *
 * @example
 * ```ts
 * import { S3Client } from '@aws-sdk/client-s3';
 * import { fromProjectedToken } from 'projected-token/aws';
 *
 * const s3 = new S3Client({ credentials: fromProjectedToken() });
 * ```
 *
 * @example
 * ```ts
 * import { S3Client } from '@aws-sdk/client-s3';
 * import { ProjectedTokenProvider } from 'projected-token';
 * import { fromProjectedToken } from 'projected-token/aws';
 *
 * const source = await ProjectedTokenProvider.open({ path: '/var/run/secrets/tokens/aws-token' });
 * const s3 = new S3Client({ region: 'eu-central-1', credentials: fromProjectedToken({ source }) });
 * ```
 */
export function fromProjectedToken(options: FromProjectedTokenOptions = {}): ProjectedTokenCredentialProvider {
  const { source: _source, region, audience, webIdentityTokenFile: _file, profile: _profile, ...init } = options;
  const expected = audience ?? (options.source === undefined ? false : AWS_AUDIENCE);

  const provide: ProjectedTokenCredentialProvider = async (identityProperties) => {
    const { source, roleArn, roleSessionName } = await findWebIdentity(options);
    // Loaded at the first exchange: the SDK is large, and a program may never need credentials.
    const { fromWebToken } = await import('@aws-sdk/credential-provider-web-identity');
    const exchange = (webIdentityToken: string) => {
      expectAudience(webIdentityToken, expected);
      return fromWebToken({
        ...init,
        roleArn,
        ...(roleSessionName !== undefined && { roleSessionName }),
        ...(region !== undefined && { clientConfig: { ...init.clientConfig, region } }),
        webIdentityToken,
      })(identityProperties);
    };

    const token = await tokenFrom(source, SOURCE_TIMEOUT_MS);
    try {
      return await exchange(token);
    } catch (error) {
      if (!isExpiredToken(error)) throw error;
      const replacement = await replacementFrom(source, token, SOURCE_TIMEOUT_MS);
      if (replacement === undefined) throw error;
      return await exchange(replacement);
    }
  };
  const credentials = new KeptCredentials(provide, (error) => {
    init.logger?.warn('Cannot get new AWS credentials. The last ones are used until they expire.', error);
  });
  return (identityProperties) => credentials.get(identityProperties);
}

// ExpiredTokenException is the documented code; services that imitate STS answer InvalidIdentityToken with a text.
function isExpiredToken(error: unknown): boolean {
  if (!isError(error)) return false;
  if (error.name === 'ExpiredTokenException') return true;
  return error.name === 'InvalidIdentityTokenException' && /expired/i.test(error.message);
}
