import { type ExchangeRecord, fingerprintOf } from './federated-token.js';
import { type LoopbackRequest, type LoopbackResponse, LoopbackServer } from './loopback-server.js';

/**
 * Base of the stand-ins for clouds that exchange a service account token for a credential of their own: a server on 127.0.0.1, errors
 * on demand, and a record of every exchange. A subclass says what is exchanged, and how its errors look.
 */
export abstract class FederationServer<Refusal> {
  readonly #failures: Refusal[] = [];
  #server!: LoopbackServer;
  /** Every requested exchange, in order. */
  readonly exchanges: ExchangeRecord[] = [];

  /** Answers the next exchanges with these errors, one each. */
  failNext(...errors: readonly Refusal[]): void {
    this.#failures.push(...errors);
  }

  /** Stops listening. */
  async close(): Promise<void> {
    await this.#server.close();
  }

  /** Origin of the server, for the client's endpoint or authority. */
  get origin(): string {
    return this.#server.origin;
  }

  /** Begins to listen, over TLS if there is a certificate. */
  protected async listen(certificate?: { readonly key: string; readonly cert: string }): Promise<this> {
    this.#server = await LoopbackServer.start((request) => this.handle(request), certificate);
    return this;
  }

  /** Answers a request of any kind. */
  protected abstract handle(request: LoopbackRequest): Promise<LoopbackResponse>;

  /** Returns the code under which a refusal is recorded in {@link exchanges}. */
  protected abstract codeOf(refusal: Refusal): string;

  /**
   * Decides on an exchange and records it.
   *
   * @param refusalOf - looks what is wrong with the request; not called when {@link failNext} says how to answer
   * @returns how to refuse it; undefined when it is granted
   */
  protected async decide(token: string, refusalOf: () => Promise<Refusal | undefined>): Promise<Refusal | undefined> {
    const refusal = this.#failures.shift() ?? (await refusalOf());
    const outcome = refusal === undefined ? 'granted' : this.codeOf(refusal);
    this.exchanges.push({ fingerprint: fingerprintOf(token), outcome });
    return refusal;
  }
}
