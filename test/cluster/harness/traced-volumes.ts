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
    // With the paths of file descriptors, whole.
    const options = ['-f', '-y', '-s', '4096', '-e', `trace=${SYSTEM_CALLS.join(',')}`, '-o', log];
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
    for (const call of wholeCalls(await readFile(this.log, 'utf8'))) {
      const operation = operationIn(call)?.map((text) => text.replace(/\/$/, ''));
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

/** The calls that strace saw, in the order of their ends. One that another thread's came in between stands in two lines. */
function* wholeCalls(log: string): Generator<string> {
  const begun = new Map<string, string>();
  for (const line of log.split('\n')) {
    const [, thread = '', text = ''] = /^(\d+) +(.*)$/.exec(line) ?? [];
    const [, beginning] = /^(.*) <unfinished \.\.\.>$/.exec(text) ?? [];
    if (beginning !== undefined) begun.set(thread, beginning);
    else yield text.replace(/^<\.\.\. \w+ resumed>/, () => begun.get(thread) ?? '');
  }
}

/** Name, path, and what else there is to it, of a call; undefined where nothing is changed, or the call failed. */
function operationIn(whole: string): string[] | undefined {
  const [, call, rest = ''] = /^(\w+)\((.*)\) += \d+/.exec(whole) ?? [];
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
