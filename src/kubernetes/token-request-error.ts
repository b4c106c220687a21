import { ApiException } from '@kubernetes/client-node';
import { ProjectedTokenError, TokenExchangeError, type TokenExchangeErrorCode } from '../errors.js';
import { retryAfterMs } from '../exchange/retry-after.js';
import type { ResolvedTokenRequestOptions } from './token-request-options.js';

/**
 * Says what is wrong with a TokenRequest, and what to do: 401 and 403 authentication and RBAC; 404 no such service account or object;
 * 409 another UID; 400 and 422 validation; the rest passes.
 *
 * @see kubernetes/kubernetes pkg/registry/core/serviceaccount/storage/token.go
 */
export function tokenRequestError(error: unknown, options: ResolvedTokenRequestOptions): ProjectedTokenError {
  if (error instanceof ProjectedTokenError) return error;
  if (!(error instanceof ApiException)) return unreachable(error);
  const status = error.code;
  const says = `The API server answers ${status}${quoted(messageOf(error.body))}.`;
  const retryAfter = Object.entries(error.headers ?? {}).find(([name]) => name.toLowerCase() === 'retry-after')?.[1];
  return new TokenExchangeError(codeOf(status), `${says} ${cureOf(status, options)}`, {
    status,
    retryAfterMs: retryAfterMs(retryAfter),
    cause: error,
  });
}

function codeOf(status: number): TokenExchangeErrorCode {
  if (status === 401 || status === 403) return 'ERR_EXCHANGE_DENIED';
  return [400, 404, 405, 409, 415, 422].includes(status) ? 'ERR_EXCHANGE_INVALID' : 'ERR_EXCHANGE_UNAVAILABLE';
}

function cureOf(status: number, { namespace, serviceAccount, boundObjectRef }: ResolvedTokenRequestOptions): string {
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
      return 'It is asked again later.';
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
  return typeof message === 'string' ? message.slice(0, 300) : undefined;
}

function quoted(message: string | undefined): string {
  return message === undefined ? '' : ` (${message})`;
}

function unreachable(error: unknown): TokenExchangeError {
  // The error of a parser may quote what it could not parse, which has the token in it.
  const isTransport =
    error instanceof Error && (error.name === 'TimeoutError' || typeof Reflect.get(error, 'code') === 'string');
  return new TokenExchangeError(
    'ERR_EXCHANGE_UNAVAILABLE',
    isTransport
      ? 'The API server could not be asked for a token; the cause says why. Check the cluster of the option "kubeConfig", its CA and the network policy.'
      : 'The API server could not be asked for a token: the client could not make the request, or read the answer. Check the option "kubeConfig".',
    isTransport ? { cause: error } : {},
  );
}
