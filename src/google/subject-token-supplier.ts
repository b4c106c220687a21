import { SOURCE_TIMEOUT_MS, tokenFrom } from '../exchange/source-token.js';
import { type ExpectedAudience, expectAudience } from '../token/expect-audience.js';
import type { TokenSource } from '../token-source.js';

/** Options of {@link subjectTokenSupplier}. */
export interface SubjectTokenSupplierOptions {
  /**
   * Audience that the token must have; `false` leaves the check to Google. Set it if the workload identity pool
   * provider has its own list of allowed audiences.
   *
   * @default by the audience of the client. For a workload identity pool provider (`//iam.googleapis.com/…/providers/…`): its resource
   * name, with or without `https:`, which Google accepts if no allowed audience is listed. For a fleet of GKE (`identitynamespace:POOL:PROVIDER`): the pool, such as
   * `my-project.svc.id.goog`
   */
  readonly audience?: ExpectedAudience;
}

/** Value for the option `subject_token_supplier` of `IdentityPoolClient`. */
export interface ProjectedSubjectTokenSupplier {
  /** Called by the client at each exchange. */
  getSubjectToken(context: { readonly audience: string }): Promise<string>;
}

/**
 * Returns a supplier of subject tokens for an `IdentityPoolClient` of google-auth-library, from a source of service account tokens.
 *
 * The client calls Google's Security Token Service, caches the access token, and requests a new one five minutes before it expires. Each
 * exchange takes the newest token of the source.
 *
 * Errors are those of the library and of the source. Wrap the client with {@link redactSubjectToken}: the library's errors show the
 * token.
 *
 * @throws `ERR_TOKEN_AUDIENCE` if the token is for another audience; Google is not called then
 *
 * @example
 * ```ts
 * import { IdentityPoolClient } from 'google-auth-library';
 * import { ProjectedTokenProvider } from 'projected-token';
 * import { redactSubjectToken, subjectTokenSupplier } from 'projected-token/google';
 *
 * const source = await ProjectedTokenProvider.open({ path: '/var/run/secrets/tokens/google-token' });
 * const client = redactSubjectToken(
 *   new IdentityPoolClient({
 *     type: 'external_account',
 *     audience: '//iam.googleapis.com/projects/123/locations/global/workloadIdentityPools/pool/providers/cluster',
 *     subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
 *     subject_token_supplier: subjectTokenSupplier(source),
 *   }),
 * );
 * ```
 */
export function subjectTokenSupplier(
  source: TokenSource,
  options: SubjectTokenSupplierOptions = {},
): ProjectedSubjectTokenSupplier {
  return {
    async getSubjectToken(context) {
      const token = await tokenFrom(source, SOURCE_TIMEOUT_MS);
      expectAudience(token, options.audience ?? audiencesFor(context.audience));
      return token;
    },
  };
}

/**
 * Returns the audiences that Google accepts in a subject token, by the audience of the exchange. Clusters of a fleet name
 * theirs `identitynamespace:POOL:PROVIDER`, and mount tokens for the pool (Google's guide "Authenticate to Google Cloud
 * APIs from shared-trust fleet workloads": `serviceAccountToken.audience` is `FLEET_PROJECT_ID.svc.id.goog`).
 */
function audiencesFor(audience: string): readonly string[] {
  const pool = /^identitynamespace:([^:]+):/.exec(audience)?.[1];
  return pool === undefined ? [audience, `https:${audience}`] : [pool];
}
