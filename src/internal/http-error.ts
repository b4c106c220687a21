/**
 * A request got no answer. Its message is a clause that completes "Cannot reach …: ", with what to change where that is
 * known, and holds nothing of what was sent or received.
 */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  /** Code of the failure beneath, of Node, OpenSSL or undici, such as `ECONNREFUSED`. */
  readonly code: string | undefined;
  /** Whether a retry fails as well until somebody changes something: an unknown CA, an address that is wrong. */
  readonly isPermanent: boolean;

  constructor(
    message: string,
    { code, isPermanent = false }: { code?: string | undefined; isPermanent?: boolean } = {},
  ) {
    super(message);
    this.code = code;
    this.isPermanent = isPermanent;
  }
}

/** Returns the `code` of an error; that of the first error inside where there are several, as after trying all addresses of a host. */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { code, errors } = error as { code?: unknown; errors?: unknown };
  if (typeof code === 'string') return code;
  return Array.isArray(errors) ? codeOf(errors[0]) : undefined;
}
