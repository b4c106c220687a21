import { execFileSync, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import type { VolumeOperations } from '../../contract/volume-contract.js';

/** What changes a file system, as far as a kubelet calls it. */
const SYSTEM_CALLS = ['mkdirat', 'fchmodat', 'fchownat', 'openat', 'symlinkat', 'renameat', 'unlinkat'];

/** Whether strace is there, and may be used. */
export function canTrace(): boolean {
  try {
    execFileSync('strace', ['-e', 'trace=none', 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** The file operations of a process, seen by strace from outside. */
export class TracedProcess {
  private constructor(
    private readonly log: string,
    private readonly end: () => Promise<void>,
  ) {}

  /**
   * Resolves once every operation of the process is seen.
   *
   * @param log - path of a file to write them to
   */
  static async attach(pid: number, log: string): Promise<TracedProcess> {
    // Of successful calls only, with the paths of file descriptors, whole.
    const options = ['-f', '-z', '-y', '-s', '4096', '-e', `trace=${SYSTEM_CALLS.join(',')}`, '-o', log];
    const command = ['--pdeathsig', 'KILL', 'strace', ...options, '-p', String(pid)];
    const strace = spawn('setpriv', command, { stdio: ['ignore', 'ignore', 'pipe'] });
    const exited = new Promise<void>((resolve) => strace.once('exit', () => resolve()));
    let printed = '';
    await new Promise<void>((resolve, reject) => {
      strace.stderr.setEncoding('utf8').on('data', (text: string) => {
        printed += text;
        if (printed.includes('attached')) resolve();
      });
      void exited.then(() => reject(new Error(`strace ended: ${printed}`)));
    });
    return new TracedProcess(log, async () => {
      strace.kill('SIGTERM');
      await exited;
    });
  }

  /** Lets the process go on by itself. */
  detach(): Promise<void> {
    return this.end();
  }

  /** The writes of a volume, each from the making of its directory on. */
  async writesOf(directory: string): Promise<readonly VolumeOperations[]> {
    const names: string[] = [];
    const writes: string[][] = [];
    for (const line of (await readFile(this.log, 'utf8')).split('\n')) {
      const operation = operationIn(line)?.map((text) => text.replace(/\/$/, ''));
      if (operation === undefined || !operation.slice(1).some((path) => `${path}/`.startsWith(`${directory}/`)))
        continue;
      const [name, ...paths] = operation as [string, ...string[]];
      const shown = paths.map((path) => {
        const relative = path === directory ? '.' : path.replace(`${directory}/`, '');
        return relative.replace(/^\.\.\d{4}_[^/]+/, (timestamp) => {
          if (!names.includes(timestamp)) names.push(timestamp);
          return `..${names.indexOf(timestamp) + 1}`;
        });
      });
      // A directory is emptied before it is removed.
      if (name === 'unlink' || (name === 'rmdir' && shown[0]!.includes('/'))) continue;
      if (name === 'mkdir' && /^\.\.\d+$/.test(shown[0]!)) writes.push([]);
      if (name === 'symlink') writes.at(-1)?.push(`symlink ${shown[0]} -> ${shown[1]}`);
      else writes.at(-1)?.push([name === 'rmdir' ? 'rm' : name, ...shown].join(' '));
    }
    return writes;
  }
}

/** Name, path, and what else there is to it, of a line of strace; undefined where nothing is changed. */
function operationIn(line: string): string[] | undefined {
  const [, call, rest = ''] = /^\d+ +(\w+)\((.*)\) += \d+/.exec(line) ?? [];
  const [first = '', second = ''] = [...rest.matchAll(/"([^"]*)"/g)].map(([, text]) => text!);
  switch (call) {
    case 'mkdirat':
      return ['mkdir', first];
    case 'fchmodat':
      return ['chmod', first, /, 0*([0-7]+)$/.exec(rest)![1]!];
    case 'fchownat':
      return ['lchown', first];
    case 'openat':
      return /O_CREAT/.test(rest) ? ['write', first] : undefined;
    case 'symlinkat':
      return ['symlink', second, first];
    case 'renameat':
      return ['rename', first, second];
    case 'unlinkat': {
      const parent = /^\d+<([^>]*)>/.exec(rest)?.[1];
      const path = parent === undefined ? first : `${parent}/${first}`;
      return [rest.endsWith('AT_REMOVEDIR') ? 'rmdir' : 'unlink', path];
    }
    default:
      return undefined;
  }
}
