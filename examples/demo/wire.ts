import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { ClientRecord } from './demo-record.js';

/**
 * Counts what goes over the wire, by Node's own diagnostics: independent of the clients and of what is wrapped around them.
 *
 * @param records - `fetch`: requests of Node's fetch; `http`: requests of `node:http`, which axios uses; `vault`: those of them that
 * go to Vault for a secret, not for a Vault token
 * @returns stops counting
 */
export function countAnswers(records: {
  readonly fetch?: ClientRecord;
  readonly http?: ClientRecord;
  readonly vault?: { readonly record: ClientRecord; readonly host: string } | undefined;
}): () => void {
  const count = (record: ClientRecord | undefined, status: number | undefined) => {
    if (record === undefined) return;
    record.answers++;
    if (status === 401 || status === 403) record.refused++;
  };
  // https://undici.nodejs.org/#/docs/api/DiagnosticsChannel, https://nodejs.org/api/diagnostics_channel.html#http
  // The library logs in to Vault through undici as well; those are no requests of fetch.
  const onFetch = (message: unknown) => {
    const { request, response } = message as FetchMessage;
    if (!request.path.startsWith('/v1/auth/')) count(records.fetch, response.statusCode);
  };
  const onHttp = (message: unknown) => {
    const { request, response } = message as HttpMessage;
    const isVault = records.vault !== undefined && request.getHeader('host') === records.vault.host;
    if (!isVault) count(records.http, response.statusCode);
    else if (!request.path.startsWith('/v1/auth/')) count(records.vault?.record, response.statusCode);
  };
  subscribe('undici:request:headers', onFetch);
  subscribe('http.client.response.finish', onHttp);
  return () => {
    unsubscribe('undici:request:headers', onFetch);
    unsubscribe('http.client.response.finish', onHttp);
  };
}

interface FetchMessage {
  readonly request: { readonly path: string };
  readonly response: { readonly statusCode: number };
}

interface HttpMessage {
  readonly request: ClientRequest;
  readonly response: IncomingMessage;
}
