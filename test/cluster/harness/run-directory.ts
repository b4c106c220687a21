import { spawn } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Makes a temporary directory for the files of a cluster or a server. A small process watches over this one and removes the
 * directory when it ends, however it ends: no handler of a signal runs where the signal is SIGKILL.
 */
export class RunDirectory implements AsyncDisposable {
  private constructor(
    readonly path: string,
    private readonly remove: () => Promise<void>,
  ) {}

  static async create(): Promise<RunDirectory> {
    const path = await mkdtemp(join(tmpdir(), 'projected-token-cluster-'));
    // The end of standard input is the end of this process. Other processes of the run may still be writing at that moment.
    const script = 'cat >/dev/null; for i in 1 2 3 4 5 6 7 8 9 10; do rm -rf -- "$0" && exit; sleep 0.2; done';
    // A session of its own: Ctrl-C in the terminal is not for it.
    const reaper = spawn('sh', ['-c', script, path], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
    reaper.unref();
    const gone = new Promise<void>((resolve) => reaper.once('exit', () => resolve()));
    return new RunDirectory(path, async () => {
      reaper.ref();
      reaper.stdin.end();
      await gone;
    });
  }

  /** Path of a file or directory in it. */
  join(...names: string[]): string {
    return join(this.path, ...names);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.remove();
  }
}
