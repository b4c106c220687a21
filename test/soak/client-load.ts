import { setTimeout as pause } from 'node:timers/promises';
import axios from 'axios';
import { ProjectedTokenProvider } from 'projected-token';
import { withToken as withTokenAxios } from 'projected-token/axios';
import { withToken as withTokenFetch } from 'projected-token/fetch';
import { type Failure, monotonicMs } from './failure.js';
import { waitUntil } from './wait-until.js';

/** Where the token is, and what it opens. */
export interface Address {
  readonly directory: string;
  readonly path: string;
  readonly url: string;
}

/** What became of the requests. */
export interface Traffic {
  /** All that were sent so far. */
  readonly requests: number;
  /** Those that failed since the last time that was asked. */
  readonly failures: readonly Failure[];
}

/** Sends a request with a token; resolves with the status once the whole answer is there. */
type Send = (headers: Record<string, string>) => Promise<number>;

/** A breath after each request: the soak is to show the token's ways, not the limits of the machine. */
const PAUSE_MS = 5;

/** Now and then the event loop stands still. */
const BLOCK_EVERY_MS = 1000;
const LONGEST_BLOCK_MS = 200;

const LONGER_THAN_THE_POLL_MS = 20_000;

/** Two providers of one volume, with a fetch client and an axios client, under load. */
export class ClientLoad {
  #requests = 0;
  #failures: Failure[] = [];
  #running: Promise<unknown> | undefined;
  #isPaused = false;

  private constructor(
    private readonly name: string,
    private readonly providers: readonly ProjectedTokenProvider[],
    private readonly clients: Readonly<Record<string, Send>>,
  ) {}

  static async open(name: string, { path, directory, url }: Address): Promise<ClientLoad> {
    const [ofFile, ofDirectory] = await Promise.all(
      [path, directory].map((path) => ProjectedTokenProvider.open({ path, audience: 'vault' })),
    );
    const origins = [new URL(url).origin];
    const tokenFetch = withTokenFetch(fetch, ofFile!, { origins });
    const tokenAxios = withTokenAxios(axios.create({ validateStatus: null }), ofDirectory!, { origins });
    return new ClientLoad(name, [ofFile!, ofDirectory!], {
      fetch: async (headers) => {
        const response = await tokenFetch(url, { headers });
        await response.arrayBuffer();
        return response.status;
      },
      axios: async (headers) => (await tokenAxios.get(url, { headers })).status,
    });
  }

  run(): void {
    this.#isPaused = false;
    const work = Object.entries(this.clients).map(([client, send]) => this.#send(`${this.name}, ${client}`, send));
    this.#running = Promise.all([...work, this.#block()]);
  }

  /** Resolves when the last answer is there, so that every request that was sent is counted. */
  async pause(): Promise<Traffic> {
    this.#isPaused = true;
    await this.#running;
    const failures = this.#failures;
    this.#failures = [];
    return { requests: this.#requests, failures };
  }

  /** How many providers come to hold the token with this fingerprint, and to watch, by themselves. */
  async hold(fingerprint: string): Promise<number> {
    const holds = ({ current, status }: ProjectedTokenProvider) =>
      current?.fingerprint === fingerprint && status.watching === 'events';
    await waitUntil(() => this.providers.every(holds), LONGER_THAN_THE_POLL_MS);
    return this.providers.filter(holds).length;
  }

  async close(): Promise<void> {
    await Promise.all(this.providers.map((provider) => provider.close()));
  }

  async #send(name: string, send: Send): Promise<void> {
    while (!this.#isPaused) {
      const id = `${name} ${this.#requests++}`;
      const what = await send({ 'X-Request-Id': id }).then(
        (status) => (status === 200 ? undefined : `status ${status}`),
        (error: unknown) => String(error),
      );
      if (what !== undefined) this.#failures.push({ id, what, atMs: monotonicMs() });
      await pause(PAUSE_MS);
    }
  }

  async #block(): Promise<void> {
    for (let turn = 1; !this.#isPaused; turn++) {
      await pause(100);
      if (turn % (BLOCK_EVERY_MS / 100) !== 0) continue;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Math.random() * LONGEST_BLOCK_MS);
    }
  }
}
