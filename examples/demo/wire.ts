import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import type { ClientRecord } from './demo-record.js';

/**
 * Counts what goes over the wire, by Node's own diagnostics: independent of the clients and of what is wrapped around them.
 *
 * @param records - `fetch`: requests of Node's fetch; `http`: requests of `node:http`, which axios uses
 * @returns stops counting
 */
export function countAnswers(records: { readonly fetch?: ClientRecord; readonly http?: ClientRecord }): () => void {
  const count = (record: ClientRecord | undefined, status: number | undefined) => {
    if (record === undefined) return;
    record.answers++;
    if (status === 401) record.refused++;
  };
  // https://undici.nodejs.org/#/docs/api/DiagnosticsChannel, https://nodejs.org/api/diagnostics_channel.html#http
  const onFetch = (message: unknown) => count(records.fetch, (message as FetchMessage).response.statusCode);
  const onHttp = (message: unknown) => count(records.http, (message as HttpMessage).response.statusCode);
  subscribe('undici:request:headers', onFetch);
  subscribe('http.client.response.finish', onHttp);
  return () => {
    unsubscribe('undici:request:headers', onFetch);
    unsubscribe('http.client.response.finish', onHttp);
  };
}

interface FetchMessage {
  readonly response: { readonly statusCode: number };
}

interface HttpMessage {
  readonly response: IncomingMessage;
}
