import type { ChildProcess } from 'node:child_process';
import { isMainThread, parentPort, type Worker } from 'node:worker_threads';

/** What can be called in another process or thread. Arguments and results travel as messages. */
export type Methods = Readonly<Record<string, (...args: never[]) => unknown>>;

interface Call {
  readonly call: number;
  readonly name: string;
  readonly args: readonly unknown[];
}

interface Reply {
  readonly call: number;
  readonly result?: unknown;
  readonly error?: string;
}

/** The methods that another process or thread offers. */
export class Remote<Offered extends Methods> {
  #calls = 0;
  readonly #waiting = new Map<number, (reply: Reply) => void>();

  constructor(private readonly other: ChildProcess | Worker) {
    other.on('message', (reply: Reply) => {
      this.#waiting.get(reply.call)?.(reply);
      this.#waiting.delete(reply.call);
    });
    other.once('exit', () => {
      for (const settle of this.#waiting.values()) settle({ call: 0, error: 'it ended early' });
    });
  }

  call<Name extends keyof Offered & string>(
    name: Name,
    ...args: Parameters<Offered[Name]>
  ): Promise<Awaited<ReturnType<Offered[Name]>>> {
    const message: Call = { call: ++this.#calls, name, args };
    if ('postMessage' in this.other) this.other.postMessage(message);
    else this.other.send(message);
    return new Promise((resolve, reject) => {
      this.#waiting.set(message.call, ({ result, error }) => {
        if (error === undefined) resolve(result as Awaited<ReturnType<Offered[Name]>>);
        else reject(new Error(`${name}: ${error}`));
      });
    });
  }
}

/** Offers methods to the process or thread that started this one. */
export function offer(methods: Methods): void {
  const reply = (message: Reply) => (isMainThread ? process.send!(message) : parentPort!.postMessage(message));
  const answer = async ({ call, name, args }: Call) => {
    try {
      reply({ call, result: await methods[name]!(...(args as never[])) });
    } catch (error) {
      reply({ call, error: String(error) });
    }
  };
  if (isMainThread) process.on('message', answer);
  else parentPort!.on('message', answer);
}
