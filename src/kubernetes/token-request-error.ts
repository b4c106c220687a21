import { ApiException } from '@kubernetes/client-node';
import { type ProjectedTokenError, TokenExchangeError, type TokenExchangeErrorCode } from '../errors.js';
import { retryAfterMs } from '../exchange/retry-after.js';
import { isError } from '../internal/is-error.js';
import { isProjectedTokenError } from '../internal/is-projected-token-error.js';
import { printable } from '../internal/printable.js';
import { withoutSecrets } from '../internal/without-secrets.js';
import type { ResolvedTokenRequestOptions } from './token-request-options.js';

/**
 * Returns the error for a failed TokenRequest, with the fix: 401 and 403 authentication and RBAC; 404 no such service account or object;
 * 409 another UID; 400 and 422 validation; any other status may pass.
 *
 * @see kubernetes/kubernetes pkg/registry/core/serviceaccount/storage/token.go
 */
export function tokenRequestError(
  error: unknown,
  options: ResolvedTokenRequestOptions,
  authorization?: string,
): ProjectedTokenError {
  if (isProjectedTokenError(error)) return error;
  if (!(error instanceof ApiException)) return unreachable(error);
  const status = error.code;
  const hide = (text: string) => withoutSecrets(text, [authorization?.replace(/^bearer +/i, '') ?? '']);
  const message = messageOf(error.body);
  const says = `The API server answers ${status}${message === undefined ? '' : ` (${printable(hide(message), 300)})`}.`;
  const retryAfter = Object.entries(error.headers ?? {}).find(([name]) => name.toLowerCase() === 'retry-after')?.[1];
  return new TokenExchangeError(codeOf(status), `${says} ${adviceFor(status, options)}`, {
    status,
    retryAfterMs: retryAfterMs(retryAfter),
    cause: withSafeAnswer(error, hide),
  });
}

/** Returns the client's error without the credentials that the server may have quoted in its answer. */
function withSafeAnswer({ code, body, headers }: ApiException<unknown>, hide: (text: string) => string): unknown {
  const safe = (value: unknown): unknown => JSON.parse(hide(JSON.stringify(value ?? null)));
  return new ApiException(code, 'TokenRequest', safe(body), safe(headers) as ApiException<unknown>['headers']);
}

function codeOf(status: number): TokenExchangeErrorCode {
  if (status === 401 || status === 403) return 'ERR_EXCHANGE_DENIED';
  return [400, 404, 405, 409, 415, 422].includes(status) ? 'ERR_EXCHANGE_INVALID' : 'ERR_EXCHANGE_UNAVAILABLE';
}

function adviceFor(status: number, { namespace, serviceAccount, boundObjectRef }: ResolvedTokenRequestOptions): string {
  const object = boundObjectRef && `${boundObjectRef.kind} "${boundObjectRef.name}"`;
  switch (status) {
    case 401:
      return 'Check the credentials in the option "kubeConfig": the API server does not accept them.';
    case 403:
      return (
        `Grant the verb "create" on the resource "serviceaccounts/token" (name "${serviceAccount}") in the namespace "${namespace}"` +
        ' with a Role (apiGroups [""], resources ["serviceaccounts/token"], verbs ["create"]) and a RoleBinding.'
      );
    case 404:
      return `Check that the namespace "${namespace}" has the service account "${serviceAccount}"${object ? ` and the ${object}` : ''}.`;
    case 409:
      return `The ${object ?? 'service account'} was replaced by another of the same name. Check "boundObjectRef.uid".`;
    case 400:
    case 422:
      return `Check the options "expirationSeconds", "audiences"${object ? ` and "boundObjectRef": the ${object} must use the service account` : ''}.`;
    default:
      return 'The request will be retried.';
  }
}

/** Returns the text of a `Status`; any other body is not quoted. */
function messageOf(body: unknown): string | undefined {
  let status = body;
  if (typeof body === 'string') {
    try {
      status = JSON.parse(body);
    } catch {
      return undefined;
    }
  }
  const message = (status as { message?: unknown } | null)?.message;
  return typeof message === 'string' ? message : undefined;
}

function unreachable(thrown: unknown): TokenExchangeError {
  // Since version 2 the client uses fetch, which wraps the error.
  const error = isError(thrown) && isError(thrown.cause) && 'code' in thrown.cause ? thrown.cause : thrown;
  // A parser's error may quote the text, which has the token in it.
  const isTransport =
    isError(error) && (error.name === 'TimeoutError' || typeof Reflect.get(error, 'code') === 'string');
  return new TokenExchangeError(
    'ERR_EXCHANGE_UNAVAILABLE',
    isTransport
      ? `Cannot reach the API server: ${reasonOf(error)}. Check the cluster of the option "kubeConfig", its CA and the network policy.`
      : 'Cannot request a token from the API server: the client failed to make the request or to read the answer. Check the option "kubeConfig".',
    isTransport ? { cause: error } : {},
  );
}

/** Returns the code of Node or undici, such as `ECONNREFUSED`; unlike the message, it quotes nothing. */
function reasonOf(error: Error): string {
  const code: unknown = Reflect.get(error, 'code');
  return typeof code === 'string' ? printable(code, 60) : 'no answer in time';
}
