import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { TokenVolumeOptions } from 'projected-token/testing';

/** What a {@link KubeletProcess} is told to do. */
export type KubeletOrder =
  | { readonly do: 'write'; readonly tokens: readonly string[]; readonly everyMs: number }
  | { readonly do: 'unmount' }
  | { readonly do: 'remount'; readonly token?: string };

/** A kubelet in another process: what it does to the volume falls between any two steps of this one. */
export class KubeletProcess implements AsyncDisposable {
  private constructor(private readonly child: ChildProcess) {}

  static async start(
    volume: Pick<TokenVolumeOptions, 'directory' | 'fileName' | 'mode' | 'fsGroup'>,
  ): Promise<KubeletProcess> {
    const main = fileURLToPath(new URL('kubelet-process-main.ts', import.meta.url));
    const kubelet = new KubeletProcess(fork(main, [JSON.stringify(volume)], { execArgv: ['--import', 'tsx'] }));
    await kubelet.#done();
    return kubelet;
  }

  /** Writes tokens, one every so many milliseconds; resolves when the last is in place. */
  write(tokens: readonly string[], everyMs = 0): Promise<void> {
    return this.#order({ do: 'write', tokens, everyMs });
  }

  unmount(): Promise<void> {
    return this.#order({ do: 'unmount' });
  }

  remount(token?: string): Promise<void> {
    return this.#order({ do: 'remount', ...(token !== undefined && { token }) });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const gone = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.disconnect();
    await gone;
  }

  async #order(order: KubeletOrder): Promise<void> {
    this.child.send(order);
    await this.#done();
  }

  #done(): Promise<void> {
    return new Promise((resolve) => this.child.once('message', () => resolve()));
  }
}
