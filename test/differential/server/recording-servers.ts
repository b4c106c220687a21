import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Origins, Transport } from '../scenario.js';
import type { ReceivedRequest } from './received-request.js';
import type { Command, Reply } from './recording-server-main.js';
import type { Script } from './run.js';

/** The ports of the first, the second and the third server. */
type Ports = readonly [number, number, number];

/** Servers that write down what they receive to the byte, and answer as each run says, byte by byte too. */
export class RecordingServers {
  #listeners = new Set<(reply: Reply) => void>();
  #receivedCount = 0;

  private constructor(
    private readonly child: ChildProcess,
    private readonly ports: Ports,
    private readonly tlsPorts: Ports,
    /** The certificate of those that speak TLS, which is its own authority. */
    readonly ca: string,
  ) {
    child.on('message', (reply: Reply) => {
      if ('received' in reply) this.#receivedCount = reply.received;
      for (const listener of this.#listeners) listener(reply);
    });
  }

  static async start(): Promise<RecordingServers> {
    const main = fileURLToPath(new URL('recording-server-main.ts', import.meta.url));
    const child = fork(main, { execArgv: ['--import', 'tsx'], serialization: 'advanced' });
    const [reply] = (await once(child, 'message')) as [{ ports: Ports; tlsPorts: Ports; ca: string }];
    return new RecordingServers(child, reply.ports, reply.tlsPorts, reply.ca);
  }

  /** The origins by which a scenario knows the servers. */
  originsOver({ schemes }: Transport): Origins {
    const plain = this.ports.map((port) => `http://127.0.0.1:${port}`);
    const secure = this.tlsPorts.map((port) => `https://127.0.0.1:${port}`);
    const [first, second, third] = schemes === 'http' ? plain : secure;
    return {
      listed: first!,
      second: schemes === 'mixed' ? plain[1]! : second!,
      'other-port': third!,
      // Over TLS the certificate is not for it.
      'other-host': first!.replace('127.0.0.1', '127.0.0.2'),
      'other-scheme': (schemes === 'http' ? secure : plain)[0]!,
    };
  }

  /** How many requests of this run have come. */
  get receivedCount(): number {
    return this.#receivedCount;
  }

  async begin(script: Script): Promise<void> {
    this.#receivedCount = 0;
    const begun = this.#reply((reply) => ('begun' in reply ? reply : undefined));
    this.#send({ begin: script });
    await begun;
  }

  /** Resolves when so many requests of this run have come. */
  async received(count: number): Promise<void> {
    await this.#reply((reply) => ('received' in reply && reply.received >= count ? reply : undefined));
  }

  /**
   * Ends a run, and gives what came.
   *
   * @param cleanUp - closes the connections of the client, from which on nothing counts that comes on new ones
   */
  async end(cleanUp: () => Promise<void>): Promise<readonly ReceivedRequest[]> {
    const isOver = this.#reply((reply) => ('isOver' in reply ? reply : undefined));
    const ended = this.#reply((reply) => ('requests' in reply ? reply.requests : undefined));
    this.#send({ end: true });
    await isOver;
    await cleanUp();
    const requests = await ended;
    this.#listeners.clear();
    return requests;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode !== null) return;
    const exited = once(this.child, 'exit');
    this.child.disconnect();
    await exited;
  }

  #reply<T>(select: (reply: Reply) => T | undefined): Promise<T> {
    return new Promise((resolve) => {
      const listener = (reply: Reply) => {
        const selected = select(reply);
        if (selected === undefined) return;
        this.#listeners.delete(listener);
        resolve(selected);
      };
      this.#listeners.add(listener);
    });
  }

  #send(command: Command): void {
    this.child.send(command);
  }
}
