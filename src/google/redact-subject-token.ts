import { InvalidOptionError } from '../errors.js';
import { hasTag } from '../internal/has-tag.js';

/** The parts of a client of google-auth-library, and of its gaxios, that are used here. */
interface ExternalAccountClient {
  readonly stsCredential?: {
    readonly transporter?: {
      readonly interceptors?: {
        readonly response?: { add(interceptor: { rejected(error: unknown): never }): unknown };
      };
    };
  };
}

/**
 * Keeps the subject token out of the errors of an `IdentityPoolClient`.
 *
 * google-auth-library puts the whole request into the error of a failed exchange. gaxios, its HTTP client, redacts the secrets that it
 * knows, but not `subject_token` (gaxios 7.3, `defaultErrorRedactor`): a logger that prints the error prints a token that may still be
 * valid.
 *
 * @param client - an `IdentityPoolClient`, or another external account client
 * @returns the same client
 * @throws `ERR_TOKEN_OPTION` if the client is neither
 *
 * @example
 * ```ts
 * const client = redactSubjectToken(
 *   new IdentityPoolClient({ audience, subject_token_type, subject_token_supplier: subjectTokenSupplier(source) }),
 * );
 * ```
 */
export function redactSubjectToken<Client extends object>(client: Client): Client {
  const interceptors = (client as ExternalAccountClient).stsCredential?.transporter?.interceptors?.response;
  if (typeof interceptors?.add !== 'function') {
    throw new InvalidOptionError(
      'client',
      'The client is not an external account client of google-auth-library 10 or 11, so its errors cannot be redacted. Pass an IdentityPoolClient.',
    );
  }
  interceptors.add({
    rejected(error) {
      redact(error);
      throw error;
    },
  });
  return client;
}

function redact(error: unknown): void {
  const { config, response } = (error ?? {}) as { config?: RequestConfig; response?: { config?: RequestConfig } };
  for (const part of [config?.data, config?.body, response?.config?.data, response?.config?.body]) {
    if (isURLSearchParams(part) && part.has('subject_token')) part.set('subject_token', '<redacted>');
  }
}

/** Also true for one of another realm. */
function isURLSearchParams(value: unknown): value is URLSearchParams {
  return hasTag(value, 'URLSearchParams');
}

interface RequestConfig {
  readonly data?: unknown;
  readonly body?: unknown;
}
