import type { FromWebTokenInit, fromWebToken } from '@aws-sdk/credential-provider-web-identity';
import { InvalidOptionError } from '../errors.js';
import { replacementFrom, SOURCE_TIMEOUT_MS, tokenFrom } from '../exchange/source-token.js';
import { isError } from '../internal/is-error.js';
import { type ExpectedAudience, expectAudience } from '../token/expect-audience.js';
import type { TokenSource } from '../token-source.js';
import { KeptCredentials } from './kept-credentials.js';

/** Audience that Amazon EKS and the AWS guides use for AWS STS (eks-pod-identity-webhook, annotation `audience`). */
export const AWS_AUDIENCE = 'sts.amazonaws.com';

/** Options of {@link fromProjectedToken}: those of `fromWebToken` of the SDK, without the token. */
export interface FromProjectedTokenOptions extends Omit<FromWebTokenInit, 'webIdentityToken' | 'roleArn'> {
  /** Where the web identity token comes from; asked at each exchange. */
  readonly source: TokenSource;
  /** The IAM role to assume. Default: environment variable `AWS_ROLE_ARN`, as in the SDK. */
  readonly roleArn?: string;
  /** Name of the session in CloudTrail. Default: `AWS_ROLE_SESSION_NAME`, else one that the SDK makes up. */
  readonly roleSessionName?: string;
  /** Region whose STS is asked. Default: the SDK's own rule (the client's region, `AWS_REGION`, the profile, `us-east-1`). */
  readonly region?: string;
  /**
   * Configuration of the STS client that makes the exchange, such as `endpoint` or `requestHandler`. The SDK before 3.936
   * reads no more than `region`, `profile`, `logger` and `requestHandler` of it; every SDK reads `AWS_ENDPOINT_URL_STS`.
   */
  readonly clientConfig?: FromWebTokenInit['clientConfig'];
  /**
   * Audience that the token must have; `false` leaves the check to STS.
   * @default 'sts.amazonaws.com'
   */
  readonly audience?: ExpectedAudience;
}

/** A credential provider of the AWS SDK for JavaScript v3. */
export type ProjectedTokenCredentialProvider = ReturnType<typeof fromWebToken>;

/**
 * Credentials of an IAM role for every client of the AWS SDK for JavaScript v3, from a source of service account tokens.
 *
 * The SDK talks to STS, keeps the credentials, and asks for new ones five minutes before they expire. Each exchange takes
 * the newest token of the source. A token that STS finds expired is replaced once. When an exchange fails, the last
 * credentials are given until they expire, and the option `logger` is warned.
 *
 * Errors are the SDK's own, and those of the source. Besides:
 *
 * @throws `ERR_TOKEN_AUDIENCE` when the token is for another audience; STS is not asked then
 * @throws `ERR_TOKEN_OPTION` when no role is given
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
export function fromProjectedToken(options: FromProjectedTokenOptions): ProjectedTokenCredentialProvider {
  const { source, region, audience = AWS_AUDIENCE, ...init } = options;

  const provide: ProjectedTokenCredentialProvider = async (identityProperties) => {
    const roleArn = init.roleArn ?? process.env.AWS_ROLE_ARN;
    if (!roleArn) {
      throw new InvalidOptionError(
        'roleArn',
        'There is no role to assume. Set the option "roleArn" or the environment variable AWS_ROLE_ARN.',
      );
    }
    // Loaded at the first exchange: the SDK is large, and a program may never need credentials.
    const { fromWebToken } = await import('@aws-sdk/credential-provider-web-identity');
    const exchange = (webIdentityToken: string) => {
      expectAudience(webIdentityToken, audience);
      return fromWebToken({
        ...init,
        roleArn,
        roleSessionName: init.roleSessionName ?? process.env.AWS_ROLE_SESSION_NAME,
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
    init.logger?.warn('No new AWS credentials; the last ones are used until they expire.', error);
  });
  return (identityProperties) => credentials.get(identityProperties);
}

// ExpiredTokenException is the documented code; services that imitate STS answer InvalidIdentityToken and say it in the text.
function isExpiredToken(error: unknown): boolean {
  if (!isError(error)) return false;
  if (error.name === 'ExpiredTokenException') return true;
  return error.name === 'InvalidIdentityTokenException' && /expired/i.test(error.message);
}
