import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import type { TokenSource } from 'projected-token';
import type { WithTokenOptions } from 'projected-token/fetch';
import { describe } from './describe.js';
import { type AbortMoment, LISTED, type Origins, type Scenario } from './scenario.js';
import type { RecordingServers } from './server/recording-servers.js';
import { TokenOfRun } from './token-of-run.js';

/** `destroy` of undici resolves after that of a session of HTTP/2, which does not always come. */
const CLEAN_UP_MS = 300;

/** Something that the program saw. */
export interface Seen {
  readonly what: string;
  readonly details: unknown;
}

/** `withToken` of a client. */
type WithToken<Client> = (client: Client, source: TokenSource, options: WithTokenOptions) => Client;

/** One run of a scenario, as the program of that run: it has a client, sends, aborts, and tells what it sees. */
export class Scene {
  readonly seen: Seen[] = [];
  readonly #abort = new AbortController();
  readonly #source: TokenSource | undefined;
  readonly #cleanUps: (() => unknown)[] = [];
  #isOver = false;

  constructor(
    readonly scenario: Scenario,
    readonly isWrapped: boolean,
    private readonly servers: RecordingServers,
  ) {
    this.#source = isWrapped ? new TokenOfRun(scenario) : undefined;
  }

  get origins(): Origins {
    return this.servers.originsOver(this.scenario.transport);
  }

  /** The authority that a client is to trust; undefined when it is to trust only those that it trusts anyway. */
  get ca(): string | undefined {
    return this.scenario.transport.isTrusted ? this.servers.ca : undefined;
  }

  /** For the clients that make their connections by undici: the options of an agent, a pool or a client. */
  get connecting(): { readonly allowH2: boolean; readonly connect?: { readonly ca: string } } {
    const { offersHttp2: allowH2 } = this.scenario.transport;
    return this.ca === undefined ? { allowH2 } : { allowH2, connect: { ca: this.ca } };
  }

  /** The signal of the program; undefined when the scenario has no abort. */
  get signal(): AbortSignal | undefined {
    return this.scenario.abort === undefined ? undefined : this.#abort.signal;
  }

  /** The client as it is, or the wrapped one. */
  wrap<Client>(client: Client, withToken: WithToken<Client>): Client {
    if (this.#source === undefined) return client;
    return withToken(client, this.#source, { origins: LISTED.map((name) => this.origins[name]) });
  }

  /** The URL of a request, by its number. */
  url(index: number): string {
    return `${this.origins[this.scenario.origin]}${this.path(index)}`;
  }

  path(index: number): string {
    return `/${this.scenario.sameUrl ? 0 : index}/h0${this.scenario.query}`;
  }

  /** Writes down what the program sees. Values are described at once, as they may change. */
  tell(what: string, details?: unknown): void {
    this.seen.push({ what, details: describe(details) });
  }

  /** Does something when the run is over, in the reverse order. */
  onCleanUp(work: () => unknown): void {
    this.#cleanUps.unshift(work);
  }

  async cleanUp(): Promise<void> {
    this.#isOver = true;
    for (const work of this.#cleanUps) {
      const over = new AbortController();
      const late = delay(CLEAN_UP_MS, undefined, { signal: over.signal }).catch(() => undefined);
      await Promise.race([work(), late]);
      over.abort();
    }
  }

  /** Makes the scenario's requests one after the other. What a call throws or rejects with is told. */
  async perform(call: (index: number) => unknown): Promise<void> {
    // The end of a run that hangs ends its request: whether the next one would come to the server by then is chance.
    for (let index = 0; index < this.scenario.requests && !this.#isOver; index++) {
      this.reached('before the call');
      let answer: unknown;
      try {
        answer = call(index);
      } catch (error) {
        this.tell('thrown', error);
      }
      // What was seen before this line happened in the turn of the call.
      this.tell('returned');
      this.reached('in the same turn');
      queueMicrotask(() => this.reached('in a microtask'));
      setImmediate(() => this.reached('in the next turn'));
      if (this.scenario.abort?.moment === 'once the server has the request') {
        void this.servers.received(1).then(() => this.reached('once the server has the request'));
      }
      try {
        await answer;
      } catch (error) {
        this.tell('rejected', error);
      }
    }
    // What nobody waits for gets its turn: events, and rejections that nobody handles.
    await nextTurn();
    await nextTurn();
  }

  /** Aborts if the scenario says so for this moment. */
  reached(moment: AbortMoment): void {
    const { abort } = this.scenario;
    if (abort?.moment !== moment || this.#abort.signal.aborted) return;
    if (abort.reason === 'default') this.#abort.abort();
    else this.#abort.abort(abort.reason === 'text' ? 'a text' : new Error('The program has had enough.'));
  }
}
