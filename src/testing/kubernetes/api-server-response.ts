import type { LoopbackResponse } from '../loopback-server.js';
import { KubernetesStatusError } from './kubernetes-status.js';

/** An answer of the API server in place of the right one. */
export interface ApiServerFault {
  /** Such as 429, 500 or 503. */
  readonly status: number;
  /** Header `Retry-After`. */
  readonly retryAfterSeconds?: number;
}

/** The answer of a server that fails. */
export function faultResponse({ status, retryAfterSeconds }: ApiServerFault): LoopbackResponse {
  const headers: Record<string, string> =
    retryAfterSeconds === undefined ? {} : { 'Retry-After': String(retryAfterSeconds) };
  const [reason, message] =
    status === 429
      ? ['TooManyRequests', 'Too many requests, please try again later.']
      : status === 503
        ? ['ServiceUnavailable', 'the server is currently unable to handle the request']
        : ['InternalError', 'Internal error occurred'];
  return jsonResponse(status, new KubernetesStatusError(status, reason!, message!).status, headers);
}

export function jsonResponse(status: number, body: unknown, headers: Record<string, string> = {}): LoopbackResponse {
  return { status, headers: { 'Content-Type': 'application/json', ...headers }, body: JSON.stringify(body) };
}
