import { readFile } from 'node:fs/promises';
import type { IdentityPoolClient, IdentityPoolClientOptions } from 'google-auth-library';
import { InvalidOptionError } from '../errors.js';
import { codeOf } from '../internal/http-error.js';
import { printable } from '../internal/printable.js';
import { sharedSource } from '../provider/shared-source.js';
import type { ExpectedAudience } from '../token/expect-audience.js';
import type { TokenSource } from '../token-source.js';
import { redactSubjectToken } from './redact-subject-token.js';
import { subjectTokenSupplier } from './subject-token-supplier.js';

/** Options of {@link fromProjectedToken}. */
export interface FromProjectedTokenOptions {
  /**
   * The file with the credential configuration, of type `external_account` with a file as its source.
   *
   * @default environment variable `GOOGLE_APPLICATION_CREDENTIALS`
   */
  readonly keyFile?: string;
  /**
   * Source of the subject token; called at each exchange.
   *
   * @default a provider of the file in the configuration, shared by all calls of this process
   */
  readonly source?: TokenSource;
  /**
   * Scopes of the access token.
   *
   * @default 'https://www.googleapis.com/auth/cloud-platform'
   */
  readonly scopes?: string | string[];
  /**
   * Audience that the token must have; `false` leaves the check to Google.
   *
   * @default that of {@link SubjectTokenSupplierOptions.audience} for the tokens of a `source`; `false` for a file, as whoever
   * prepared the pod chose its audience
   */
  readonly audience?: ExpectedAudience;
}

/**
 * Returns an auth client for every library of Google Cloud, instead of the one that `GoogleAuth` makes of
 * `GOOGLE_APPLICATION_CREDENTIALS`. In a pod prepared for workload identity federation there is nothing to configure. It impersonates a
 * service account if the configuration says so.
 *
 * Each exchange takes the newest token. While the file is unreadable for a moment, the last good token is used. Errors are the library's
 * own, without the subject token, which the library would include: see {@link redactSubjectToken}.
 *
 * @throws `ERR_TOKEN_OPTION` if there is no usable configuration
 *
 * @example
 * ```ts
 * import { Storage } from '@google-cloud/storage';
 * import { fromProjectedToken } from 'projected-token/google';
 *
 * const storage = new Storage({ authClient: await fromProjectedToken() });
 * ```
 */
export async function fromProjectedToken(options: FromProjectedTokenOptions = {}): Promise<IdentityPoolClient> {
  const { keyFile = process.env.GOOGLE_APPLICATION_CREDENTIALS, source, scopes, audience } = options;
  if (!keyFile) {
    throw invalid(
      'The option "keyFile" and the environment variable GOOGLE_APPLICATION_CREDENTIALS are missing. Mount the credential configuration that "gcloud iam workload-identity-pools create-cred-config" writes, and set the variable to its path.',
    );
  }
  const { credential_source, ...configuration } = await readConfiguration(keyFile);
  // Loaded here: the library is large, and `subjectTokenSupplier` does not need it.
  const { IdentityPoolClient } = await import('google-auth-library');
  const client = new IdentityPoolClient({
    ...configuration,
    subject_token_supplier: subjectTokenSupplier(source ?? sharedSource(fileOf(credential_source, keyFile)), {
      audience: audience ?? (source === undefined ? false : undefined),
    }),
  } as IdentityPoolClientOptions);
  if (scopes !== undefined) client.scopes = scopes;
  return redactSubjectToken(client);
}

interface Configuration {
  readonly type?: unknown;
  readonly credential_source?: { readonly file?: unknown; readonly format?: { readonly type?: unknown } };
}

async function readConfiguration(keyFile: string): Promise<Configuration> {
  let configuration: Configuration | null;
  try {
    configuration = JSON.parse(await readFile(keyFile, 'utf8'));
  } catch (error) {
    // The parser's message may quote the file, which may hold a private key.
    const why = codeOf(error) ?? 'it is not JSON';
    throw invalid(`${named(keyFile)} cannot be read (${why}).`);
  }
  if (configuration?.type !== 'external_account') {
    throw invalid(
      `${named(keyFile)} is of the type ${JSON.stringify(configuration?.type)}, not "external_account". Write one with "gcloud iam workload-identity-pools create-cred-config --credential-source-file".`,
    );
  }
  return configuration;
}

function fileOf(source: Configuration['credential_source'], keyFile: string): string {
  if (typeof source?.file === 'string' && source.file !== '' && source.format?.type !== 'json') return source.file;
  throw invalid(
    `${named(keyFile)} does not take its token from a plain text file (credential_source). Write it with "--credential-source-file" and without "--credential-source-type", or set the option "source".`,
  );
}

function named(keyFile: string): string {
  return `The credential configuration "${printable(keyFile, 200)}" (option "keyFile" or GOOGLE_APPLICATION_CREDENTIALS)`;
}

function invalid(message: string): InvalidOptionError {
  return new InvalidOptionError('keyFile', message);
}
