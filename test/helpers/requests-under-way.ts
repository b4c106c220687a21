import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { turn } from './turn.js';

/** A request of undici, as its diagnostics channels show it. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
}

/** Turns of the event loop after which nothing more follows from an answer. */
const QUIET_TURNS = 5;
/** Real time, in nanoseconds, in which a server on loopback has answered, however busy the machine is. */
const LONGEST_NS = 20_000_000_000n;

/** The requests that undici has sent and that have not ended: the network of a test whose clock stands still. */
export class RequestsUnderWay {
  readonly #requests = new Set<SeenRequest>();
  readonly #onCreate = (message: unknown) => {
    const { request } = message as { request: SeenRequest };
    this.#requests.add(request);
    this.onSent(request);
  };
  readonly #onEnd = (message: unknown) => {
    this.#requests.delete((message as { request: SeenRequest }).request);
  };

  /** @param onSent - called with each request, which counts already */
  constructor(private readonly onSent: (request: SeenRequest) => void) {
    subscribe('undici:request:create', this.#onCreate);
    subscribe('undici:request:trailers', this.#onEnd);
    subscribe('undici:request:error', this.#onEnd);
  }

  get paths(): string[] {
    return [...this.#requests].map(({ path }) => path);
  }

  /**
   * Lets everything happen that happens without time: requests arrive, and answers.
   *
   * @param held - how many requests the server keeps without an answer
   */
  async settle(held: () => number): Promise<void> {
    const beganAt = process.hrtime.bigint();
    for (let quietTurns = 0; quietTurns < QUIET_TURNS; ) {
      await turn();
      quietTurns = this.#requests.size === held() ? quietTurns + 1 : 0;
      if (process.hrtime.bigint() - beganAt > LONGEST_NS) {
        throw new Error(`${this.paths.join(', ') || 'Nothing'} is under way, and ${held()} requests are held.`);
      }
    }
  }

  stop(): void {
    unsubscribe('undici:request:create', this.#onCreate);
    unsubscribe('undici:request:trailers', this.#onEnd);
    unsubscribe('undici:request:error', this.#onEnd);
  }
}
