import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** How long a part may take to be ready on a machine that does other things as well. */
const READY_TIMEOUT_MS = 120_000;
/** How long a part may take to end after SIGTERM before it is killed. */
const STOP_TIMEOUT_MS = 10_000;
const RETRY_MS = 50;

/** One server of a test run: a process of its own, which the kernel kills when this process ends in whatever way. */
export class PartProcess {
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  #hasExited = false;

  /** @param directory - for its temporary files, and for a file `log` to which all that it prints is appended */
  constructor(
    readonly name: string,
    command: string,
    args: readonly string[],
    private readonly directory: string,
  ) {
    const log = createWriteStream(`${directory}/log`, { flags: 'a' });
    const env = { ...process.env, TMPDIR: directory };
    // SIGKILL, and not SIGTERM: nothing of a part is worth to be kept, and nobody would be there to see it hang.
    this.#child = spawn('setpriv', ['--pdeathsig', 'KILL', command, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env,
    });
    this.#child.stdout!.pipe(log);
    this.#child.stderr!.pipe(log);
    this.#exited = new Promise((resolve) => {
      const end = () => {
        this.#hasExited = true;
        resolve();
      };
      this.#child.once('exit', end).once('error', end);
    });
  }

  /**
   * Waits until it does what it is there for.
   *
   * @param isReady - asked again and again; what it throws counts as no
   * @throws when the part has ended, or is not ready in time, with the last lines that it printed
   */
  async untilReady(isReady: () => Promise<boolean>): Promise<void> {
    const giveUpAt = performance.now() + READY_TIMEOUT_MS;
    while (!(await isReady().catch(() => false))) {
      if (this.#hasExited || performance.now() > giveUpAt) {
        const what = this.#hasExited ? 'ended' : `was not ready within ${READY_TIMEOUT_MS / 1000} s`;
        const printed = (await readFile(`${this.directory}/log`, 'utf8')).split('\n').slice(-20).join('\n');
        throw new Error(`${this.name} ${what}. Its last lines:\n${printed}`);
      }
      await sleep(RETRY_MS);
    }
  }

  /** Its process id: setpriv has become the part itself. */
  get pid(): number {
    return this.#child.pid!;
  }

  get hasExited(): boolean {
    return this.#hasExited;
  }

  /** Sends a signal, such as SIGHUP. */
  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Ends it as its own system would; kills it when that takes too long. */
  async stop(): Promise<void> {
    if (this.#hasExited) return;
    this.#child.kill('SIGTERM');
    const killing = setTimeout(() => this.#child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await this.#exited;
    clearTimeout(killing);
  }

  /** Ends it with SIGKILL, as a crash does. */
  async kill(): Promise<void> {
    if (this.#hasExited) return;
    this.#child.kill('SIGKILL');
    await this.#exited;
  }
}

/** Finds a port of loopback that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
