import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { accessSync, constants, mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { REPOSITORY } from './built-package.js';

const MAIN = fileURLToPath(new URL('./fuse-volume-main.ts', import.meta.url));

/** Whether this machine and user can mount a file system of their own. */
export const mayMountFuse = canOpen('/dev/fuse') && spawnSync('unshare', ['--mount', 'true']).status === 0;

/** A projected volume on a file system whose daemon a test can stop: a real mount that does not answer. */
export class FuseVolume implements AsyncDisposable {
  private constructor(
    readonly directory: string,
    private readonly daemon: ChildProcess,
  ) {}

  static async mount(token: string): Promise<FuseVolume> {
    const directory = mkdtempSync(join(tmpdir(), 'fuse-'));
    const daemon = spawn(process.execPath, ['--import', 'tsx', MAIN, directory, token], { cwd: REPOSITORY });
    let said = '';
    await new Promise<void>((resolve, reject) => {
      daemon.stdout.on('data', (chunk) => {
        said += chunk;
        if (said.includes('mounted')) resolve();
      });
      daemon.stderr.on('data', (chunk) => {
        said += chunk;
      });
      daemon.once('exit', () => reject(new Error(`The file system could not be mounted: ${said}`)));
    });
    return new FuseVolume(directory, daemon);
  }

  get path(): string {
    return join(this.directory, 'vault-token');
  }

  /** From now on whoever asks waits. */
  stopAnswering(): void {
    this.daemon.kill('SIGSTOP');
  }

  answerAgain(): void {
    this.daemon.kill('SIGCONT');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Its end aborts what waits, whatever state it is in.
    this.daemon.kill('SIGKILL');
    if (this.daemon.exitCode === null) await new Promise((resolve) => this.daemon.once('exit', resolve));
    spawnSync('umount', ['--lazy', this.directory]);
    rmdirSync(this.directory);
  }
}

function canOpen(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
