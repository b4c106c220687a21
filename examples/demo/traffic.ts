import { setTimeout as pause } from 'node:timers/promises';
import type { ClientRecord } from './demo-record.js';

/** Sends one request with a token; resolves with the status of the answer. */
export type Send = (signal: AbortSignal) => Promise<number>;

/** A client under load, and where its requests are counted. */
export interface TrafficClient {
  readonly record: ClientRecord;
  readonly send: Send;
}

/** A breath after each request, so that the demo shows the token and not the limits of the machine. */
const PAUSE_MS = 5;

/**
 * Keeps `concurrency` requests under way, shared among the clients.
 *
 * @returns ends the load; resolves when the last answer is there, so that every request sent is counted
 */
export function startTraffic(clients: readonly TrafficClient[], concurrency: number): () => Promise<void> {
  let stopped = false;
  // Only against a service that never answers.
  const timeoutMs = 10_000;
  const work = async ({ record, send }: TrafficClient) => {
    while (!stopped) {
      const failure = await send(AbortSignal.timeout(timeoutMs)).then(
        (status) => (status >= 200 && status < 300 ? undefined : `HTTP status ${status}`),
        (error: unknown) => String(error),
      );
      record.requests++;
      if (failure !== undefined) {
        record.failed++;
        record.firstFailure ??= failure;
      }
      await pause(PAUSE_MS);
    }
  };
  const workers = Array.from({ length: clients.length === 0 ? 0 : concurrency }, (_, index) =>
    work(clients[index % clients.length]!),
  );
  return async () => {
    stopped = true;
    await Promise.all(workers);
  };
}
