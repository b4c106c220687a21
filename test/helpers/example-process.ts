import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { REPOSITORY } from './built-package.js';

type Environment = Readonly<Record<string, string>>;

// Nothing of the test runner's environment may decide what an example does.
const optionsOf = (environment: Environment) => ({
  cwd: REPOSITORY,
  env: { PATH: process.env.PATH, ...environment },
});
const argumentsOf = (name: string) => ['--import', 'tsx', `examples/${name}.ts`];

/** Runs an example to its end; rejects when that is no good one. */
export function runExample(name: string, environment: Environment): Promise<{ stdout: string; stderr: string }> {
  return promisify(execFile)(process.execPath, argumentsOf(name), optionsOf(environment));
}

const LISTENING = /^Listening on port (\d+)$/m;

/** An example that is a service, in a process of its own. */
export class ExampleService implements AsyncDisposable {
  /** All that it has written. */
  output = '';

  private constructor(private readonly child: ChildProcess) {}

  /** Resolves when it listens, or when it has written something else by which it is known to be ready. */
  static async start(name: string, environment: Environment, ready = LISTENING): Promise<ExampleService> {
    const child = spawn(process.execPath, argumentsOf(name), optionsOf({ PORT: '0', ...environment }));
    const service = new ExampleService(child);
    await new Promise<void>((resolve, reject) => {
      const read = (chunk: Buffer) => {
        service.output += chunk;
        if (ready.test(service.output)) resolve();
      };
      child.stdout.on('data', read);
      child.stderr.on('data', read);
      child.once('exit', (code) => reject(new Error(`The example ${name} ended with ${code}:\n${service.output}`)));
    });
    return service;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get #port(): string | undefined {
    return LISTENING.exec(this.output)?.[1];
  }

  /** Ends it as the kubelet does; resolves with its exit code, or with null where the signal itself ended it. */
  async stop(): Promise<number | null> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return this.child.exitCode;
    const exit = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    return (await exit)[0];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
