import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Origins } from '../scenario.js';
import type { ReceivedRequest } from './received-request.js';
import type { Command, Reply, Script } from './recording-server-main.js';

/** Servers that write down what they receive to the byte, and answer as each run says, byte by byte too. */
export class RecordingServers {
  #listeners = new Set<(reply: Reply) => void>();
  #receivedCount = 0;

  private constructor(
    private readonly child: ChildProcess,
    readonly origins: Origins,
  ) {
    child.on('message', (reply: Reply) => {
      if ('received' in reply) this.#receivedCount = reply.received;
      for (const listener of this.#listeners) listener(reply);
    });
  }

  static async start(): Promise<RecordingServers> {
    const main = fileURLToPath(new URL('recording-server-main.ts', import.meta.url));
    const child = fork(main, { execArgv: ['--import', 'tsx'], serialization: 'advanced' });
    const [{ ports }] = (await once(child, 'message')) as [{ ports: [number, number, number] }];
    const [first, second, third] = ports;
    return new RecordingServers(child, {
      listed: `http://127.0.0.1:${first}`,
      second: `http://127.0.0.1:${second}`,
      'other-port': `http://127.0.0.1:${third}`,
      'other-host': `http://127.0.0.2:${first}`,
    });
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

  /** Closes what is open, and gives what came. */
  async end(): Promise<readonly ReceivedRequest[]> {
    const ended = this.#reply((reply) => ('requests' in reply ? reply.requests : undefined));
    this.#send({ end: true });
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
