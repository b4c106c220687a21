import { type ChildProcess, fork, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { ProviderStatus } from 'projected-token';
import { expect } from 'vitest';
import { limitDescriptors } from './descriptor-limit.js';

/** What a {@link ProviderProcess} is put under from its start. */
export interface Setting {
  readonly path: string;
  /** The user that it runs as; root can make it any. */
  readonly uid?: number;
  /** Limits of user_namespaces(7) in `/proc/sys/user`: the process gets a namespace of its own for them. */
  readonly limits?: Readonly<Record<string, number>>;
  /** From its start no descriptor is free, until its provider is degraded. */
  readonly isOutOfDescriptors?: boolean;
}

/** What it is told to do. */
export type Order =
  | { readonly do: 'get token' | 'tell' }
  | { readonly do: 'set limit'; readonly name: string; readonly limit: number }
  | { readonly do: 'block'; readonly ms: number };

/** What it answers. */
export interface Answer {
  readonly token?: string;
  readonly code?: string;
  readonly message?: string;
  readonly current?: string | undefined;
  readonly status?: ProviderStatus;
}

/** What it tells of itself: an event of its provider, or that its event loop stands still from now on. */
export interface Told {
  readonly event: string;
  readonly code?: string;
}

/** Whether limits can be set that hold for one process alone. */
export const hasOwnLimits = spawnSync('unshare', ['--user', '--map-root-user', 'true']).status === 0;

/** A provider in another process: it can be stopped, run as another user, and run out of what the system gives. */
export class ProviderProcess implements AsyncDisposable {
  /** What it told so far. */
  readonly told: Told[] = [];
  #answered: ((answer: Answer) => void) | undefined;

  private constructor(private readonly child: ChildProcess) {
    child.on('message', (message: Told | { answer: Answer }) => {
      if ('answer' in message) this.#answered?.(message.answer);
      else this.told.push(message);
    });
  }

  /** Resolves when its provider has a token in hand. */
  static async start(setting: Setting): Promise<ProviderProcess> {
    const main = fileURLToPath(new URL('provider-process-main.ts', import.meta.url));
    const runtime = ['--import', 'tsx'];
    const execution =
      setting.limits === undefined
        ? { execArgv: runtime }
        : { execPath: 'unshare', execArgv: ['--user', '--map-root-user', process.execPath, ...runtime] };
    const started = new ProviderProcess(fork(main, [JSON.stringify(setting)], execution));
    const hasToken = started.#answer();
    if (setting.isOutOfDescriptors) {
      await started.until('degraded');
      limitDescriptors(started.child.pid!, 1024);
    }
    await hasToken;
    return started;
  }

  ask(order: Order): Promise<Answer> {
    const answer = this.#answer();
    this.child.send(order);
    return answer;
  }

  /** Resolves when it has told an event, since its start. */
  async until(event: string): Promise<Told> {
    await expect.poll(() => this.told.map((told) => told.event), { timeout: 20_000 }).toContain(event);
    return this.told.findLast((told) => told.event === event)!;
  }

  /** Resolves when this token is in use; the file is not asked for. */
  async untilInUse(token: string): Promise<void> {
    await expect.poll(async () => (await this.ask({ do: 'tell' })).current, { timeout: 20_000 }).toBe(token);
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.child.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const gone = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill('SIGCONT');
    this.child.disconnect();
    await gone;
  }

  #answer(): Promise<Answer> {
    return new Promise((resolve) => {
      this.#answered = resolve;
    });
  }
}
