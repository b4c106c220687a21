import type { LoopbackResponse } from '../loopback-server.js';

/** An answer of Vault in place of the right one. */
export interface VaultFault {
  /** Such as 412, 429, 500 or 503. */
  readonly status: number;
  /** Header `Retry-After`. */
  readonly retryAfterSeconds?: number;
  /** The texts of `errors`. */
  readonly errors?: readonly string[];
}

export function faultResponse({ status, retryAfterSeconds, errors = [] }: VaultFault): LoopbackResponse {
  const retryAfter: Record<string, string> =
    retryAfterSeconds === undefined ? {} : { 'Retry-After': String(retryAfterSeconds) };
  return json(status, { errors }, retryAfter);
}

/** Vault's 403 where it has no token to judge by, or gives no reason. */
export function denied(): LoopbackResponse {
  return failure(403, 'permission denied');
}

/** Vault's list of several errors, or of one (hashicorp/go-multierror format.go). */
export function failures(status: number, ...errors: readonly string[]): LoopbackResponse {
  const count = errors.length === 1 ? '1 error' : `${errors.length} errors`;
  return failure(status, `${count} occurred:\n${errors.map((error) => `\t* ${error}\n`).join('')}\n`);
}

export function failure(status: number, ...errors: readonly string[]): LoopbackResponse {
  return json(status, { errors });
}

export function json(status: number, body: unknown, headers: Record<string, string> = {}): LoopbackResponse {
  return {
    status,
    headers: { 'Content-Type': 'application/json', 'Cache-Control': 'no-store', ...headers },
    body: `${JSON.stringify(body)}\n`,
  };
}

/** Reads the body of a request: an empty one is an empty object, and one that is no JSON object is undefined. */
export function parseObject(body: string): Record<string, unknown> | undefined {
  if (body === '') return {};
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
