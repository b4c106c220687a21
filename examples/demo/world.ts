import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The kubelet put a token in place of the one before. */
export interface Swap {
  readonly fingerprint: string;
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
  /** When the rename began, on the monotonic clock that all processes of the machine share, in milliseconds. */
  readonly swappedAtMs: number;
}

/** The embedded Vault, seen from the demo. */
export interface VaultAddress {
  readonly address: string;
  readonly role: string;
  /** Path of a secret, under the address. */
  readonly secret: string;
}

/** Where the world's token is, and what it opens. */
export interface WorldAddress {
  readonly path: string;
  readonly audience: string;
  readonly url: string;
  readonly vault: VaultAddress;
}

/** What the process of the world tells. */
export type WorldMessage =
  | ({ readonly type: 'ready' } & WorldAddress)
  | ({ readonly type: 'swapped' } & Swap)
  | { readonly type: 'vault-revoked' }
  | { readonly type: 'vault-restarts' };

/** What is told while the demo runs. */
export type WorldEvent = Exclude<WorldMessage, { type: 'ready' }>;

/** The process with the kubelet and the service, seen from the demo. */
export class World {
  private constructor(
    readonly address: WorldAddress,
    private readonly child: ChildProcess,
  ) {}

  get pid(): number {
    return this.child.pid!;
  }

  /** Starts the process; `onEvent` is told every token it writes, the first included, and what happens to Vault. */
  static start(rotateEverySeconds: number, onEvent: (event: WorldEvent) => void): Promise<World> {
    const child = fork(fileURLToPath(new URL('world-process.ts', import.meta.url)), [String(rotateEverySeconds)]);
    return new Promise((resolve, reject) => {
      child.once('exit', (code) => reject(new Error(`The kubelet's process ended early, with exit code ${code}.`)));
      child.on('message', (message: WorldMessage) => {
        if (message.type === 'ready') resolve(new World(message, child));
        else onEvent(message);
      });
    });
  }

  /** Ends the process; resolves when it is gone, its volume with it. */
  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.disconnect();
    await gone;
  }
}
