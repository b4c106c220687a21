import { ApiException } from '@kubernetes/client-node';
import { type ProjectedTokenError, TokenExchangeError, type TokenExchangeErrorCode } from '../errors.js';
import { retryAfterMs } from '../exchange/retry-after.js';
import { isError } from '../internal/is-error.js';
import { isProjectedTokenError } from '../internal/is-projected-token-error.js';
import { printable } from '../internal/printable.js';
import { withoutSecrets } from '../internal/without-secrets.js';
import type { ResolvedTokenRequestOptions } from './token-request-options.js';

/**
 * Says what is wrong with a TokenRequest, and what to do: 401 and 403 authentication and RBAC; 404 no such service account or object;
 * 409 another UID; 400 and 422 validation; the rest passes.
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

/** The error of the client with the answer that it holds, in which a server may have quoted what it was sent. */
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
      return 'It does not accept the credentials of the option "kubeConfig".';
    case 403:
      return (
        `Missing is the verb "create" on the resource "serviceaccounts/token" (name "${serviceAccount}") in the namespace "${namespace}":` +
        ' grant it with a Role (apiGroups [""], resources ["serviceaccounts/token"], verbs ["create"]) and a RoleBinding.'
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

/** The text of a `Status`; a body that is none is not quoted. */
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
  // Since version 2 the client sends with fetch, which wraps what went wrong.
  const error = isError(thrown) && isError(thrown.cause) && 'code' in thrown.cause ? thrown.cause : thrown;
  // The error of a parser may quote what it could not parse, which has the token in it.
  const isTransport =
    isError(error) && (error.name === 'TimeoutError' || typeof Reflect.get(error, 'code') === 'string');
  return new TokenExchangeError(
    'ERR_EXCHANGE_UNAVAILABLE',
    isTransport
      ? `Cannot reach the API server: ${reasonOf(error)}. Check the cluster of the option "kubeConfig", its CA and the network policy.`
      : 'Cannot ask the API server for a token: the client could not make the request, or read the answer. Check the option "kubeConfig".',
    isTransport ? { cause: error } : {},
  );
}

/** The code of Node or undici, which says what is wrong and quotes nothing: `ECONNREFUSED`, `DEPTH_ZERO_SELF_SIGNED_CERT`. */
function reasonOf(error: Error): string {
  const code: unknown = Reflect.get(error, 'code');
  return typeof code === 'string' ? printable(code, 60) : 'no answer in time';
}
