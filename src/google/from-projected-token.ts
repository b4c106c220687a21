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
   * The file with the credential configuration: of the type `external_account`, with a file as its source.
   *
   * @default environment variable `GOOGLE_APPLICATION_CREDENTIALS`
   */
  readonly keyFile?: string;
  /**
   * Where the subject token comes from; asked at each exchange.
   *
   * @default a provider of the file that the configuration names, which all calls of this process share
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
   * @default that of {@link SubjectTokenSupplierOptions.audience} for the tokens of a `source`; `false` for a file, which whoever
   * prepared the pod made for Google
   */
  readonly audience?: ExpectedAudience;
}

/**
 * An auth client for every library of Google Cloud, in place of the one that `GoogleAuth` makes of `GOOGLE_APPLICATION_CREDENTIALS`: in a
 * pod that is prepared for workload identity federation there is nothing to configure. A service account is impersonated where the
 * configuration says so.
 *
 * Each exchange takes the newest token. A file that is unreadable for a moment costs nothing: the last good token is used. Errors are the
 * library's own, without the subject token, which the library puts into them: see {@link redactSubjectToken}.
 *
 * @throws `ERR_TOKEN_OPTION` when there is no configuration that can be used
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
  // Loaded now: the library is large, and a program that only supplies tokens does without it.
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
    // The message of the parser may quote the file, which may hold a private key.
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
    `${named(keyFile)} takes its token from something else than a file with nothing but a token (credential_source). Write it with "--credential-source-file" and without "--credential-source-type", or set the option "source".`,
  );
}

function named(keyFile: string): string {
  return `The credential configuration "${printable(keyFile, 200)}" (option "keyFile" or GOOGLE_APPLICATION_CREDENTIALS)`;
}

function invalid(message: string): InvalidOptionError {
  return new InvalidOptionError('keyFile', message);
}
