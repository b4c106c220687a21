import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A rotation that another process made. */
export interface Rotation {
  readonly token: string;
  /** On the clock of `process.hrtime`, in milliseconds. */
  readonly swappedAtMs: number;
}

/** A kubelet in another process, and the volume that it writes. */
export class Kubelet {
  readonly directory = mkdtempSync(join(tmpdir(), 'projected-token-bench-'));
  readonly path = join(this.directory, 'vault-token');
  #child!: ChildProcess;

  static async start(): Promise<Kubelet> {
    const kubelet = new Kubelet();
    kubelet.#child = fork(fileURLToPath(new URL('rotator.ts', import.meta.url)), [kubelet.directory]);
    await kubelet.#answer();
    await kubelet.rotate();
    return kubelet;
  }

  rotate(): Promise<Rotation> {
    this.#child.send('rotate');
    return this.#answer();
  }

  stop(): void {
    this.#child.disconnect();
    rmSync(this.directory, { recursive: true });
  }

  #answer(): Promise<Rotation> {
    return new Promise((resolve) => this.#child.once('message', (message) => resolve(message as Rotation)));
  }
}
