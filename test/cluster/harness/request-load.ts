import { setTimeout as pause } from 'node:timers/promises';
import axios from 'axios';
import got from 'got';
import type { TokenSource } from 'projected-token';
import { withToken as withTokenAxios } from 'projected-token/axios';
import { withToken as withTokenFetch } from 'projected-token/fetch';
import { withToken as withTokenGot } from 'projected-token/got';
import { withToken as withTokenUndici } from 'projected-token/undici';
import { Agent, request } from 'undici';

/** A request that was not answered with 200. */
export interface FailedRequest {
  readonly client: string;
  /** When it was sent, by `performance.now()`. */
  readonly sentAtMs: number;
  /** Its status and the answer, or the error. */
  readonly outcome: string;
}

/** Pause between two looks at how far the load is. */
const LOOK_EVERY_MS = 5;

/** Options of {@link RequestLoad}. */
export interface RequestLoadOptions {
  /** Pause after each request of a client, in milliseconds: this is to show what becomes of tokens, not the limits of the machine. @default 5 */
  readonly pauseMs?: number;
  /** Further clients by their names: each sends one request, and resolves with the status. @default none */
  readonly clients?: Readonly<Record<string, () => Promise<number | string>>>;
}

/** Requests one after the other by fetch, axios, undici and got, all with the tokens of one source, until it is stopped. */
export class RequestLoad {
  readonly failures: FailedRequest[] = [];
  /** How many requests have been answered or have failed. */
  requests = 0;
  readonly #stop = new AbortController();
  readonly #agent = new Agent();
  readonly #loops: Promise<void>[];
  readonly #startedAtMs = performance.now();

  /** @param url - of plain HTTP on loopback */
  constructor(url: string, source: TokenSource, { pauseMs = 5, clients: others = {} }: RequestLoadOptions = {}) {
    const origins = [new URL(url).origin];
    const tokenFetch = withTokenFetch(fetch, source, { origins });
    const tokenAxios = withTokenAxios(axios.create({ validateStatus: null }), source, { origins });
    const tokenGot = withTokenGot(got.extend({ throwHttpErrors: false, retry: { limit: 0 } }), source, { origins });
    const dispatcher = withTokenUndici(this.#agent, source, { origins });
    const clients: Record<string, () => Promise<number | string>> = {
      fetch: async () => {
        const response = await tokenFetch(url);
        return outcomeOf(response.status, await response.text());
      },
      axios: async () => {
        const { status, data } = await tokenAxios.get(url, { responseType: 'text' });
        return outcomeOf(status, data);
      },
      got: async () => {
        const { statusCode, body } = await tokenGot(url);
        return outcomeOf(statusCode, body);
      },
      undici: async () => {
        const { statusCode, body } = await request(url, { dispatcher });
        return outcomeOf(statusCode, await body.text());
      },
      ...others,
    };
    this.#loops = Object.entries(clients).map(([name, send]) => this.#send(name, send, pauseMs));
  }

  /** Lets it go on for a number of requests more, whatever becomes of them. */
  async through(count: number): Promise<void> {
    const enough = this.requests + count;
    while (this.requests < enough) await pause(LOOK_EVERY_MS);
  }

  /** Failures of requests that were sent after a moment, by `performance.now()`. */
  failuresSince(ms: number): FailedRequest[] {
    return this.failures.filter(({ sentAtMs }) => sentAtMs >= ms);
  }

  /** In one line, for the page of figures. */
  summary(what: string): string {
    const seconds = Math.round((performance.now() - this.#startedAtMs) / 1000);
    return `${what}: ${this.requests} requests in ${seconds} s, ${this.failures.length} failed`;
  }

  async stop(): Promise<void> {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort();
    await Promise.all(this.#loops);
    await this.#agent.close();
  }

  async #send(client: string, send: () => Promise<number | string>, pauseMs: number): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const sentAtMs = performance.now();
      const outcome = await send().then(String, (error: Error) => error.message);
      this.requests++;
      if (outcome !== '200') this.failures.push({ client, sentAtMs, outcome });
      await pause(pauseMs);
    }
  }
}

/** What a server says of an error is kept: a status alone does not tell why. */
function outcomeOf(status: number, body: string): string {
  return status === 200 ? '200' : `${status} ${body.trim()}`;
}
