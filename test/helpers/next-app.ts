import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../cluster/harness/part-process.js';
import { builtPackage, REPOSITORY } from './built-package.js';

/** Directory with its packages; undefined where it is not installed (.ci/recipes installs it). */
export const NEXT = findNext(join(REPOSITORY, '.cache'));

/** An application of Next.js, built and started as in production. */
export class NextApp implements AsyncDisposable {
  private constructor(
    readonly url: string,
    private readonly stop: () => Promise<void>,
  ) {}

  /** @param source - directory of the application */
  static async start(source: string, environment: Readonly<Record<string, string>>): Promise<NextApp> {
    const directory = NEXT!;
    // Last time's.
    for (const name of ['app', 'lib', '.next']) await rm(join(directory, name), { recursive: true, force: true });
    await cp(source, directory, { recursive: true });
    const own = join(directory, 'node_modules', 'projected-token');
    await rm(own, { recursive: true, force: true });
    await cp((await builtPackage()).directory, own, { recursive: true });

    const next = join(directory, 'node_modules', 'next', 'dist', 'bin', 'next');
    const options = {
      cwd: directory,
      env: { PATH: process.env.PATH, NODE_ENV: 'production', NEXT_TELEMETRY_DISABLED: '1', ...environment },
    } as const;
    await promisify(execFile)(process.execPath, [next, 'build'], options).catch((error) => {
      throw new Error(`next build failed:\n${error.stdout}${error.stderr}`);
    });
    const port = await freePort();
    const child = spawn(process.execPath, [next, 'start', '--hostname', '127.0.0.1', '--port', String(port)], options);
    const exited = once(child, 'exit');
    let output = '';
    await new Promise<void>((resolve, reject) => {
      const read = (chunk: Buffer) => {
        output += chunk;
        if (/Ready in/.test(output)) resolve();
      };
      child.stdout.on('data', read);
      child.stderr.on('data', read);
      child.once('exit', () => reject(new Error(`next start ended:\n${output}`)));
    });
    return new NextApp(`http://127.0.0.1:${port}`, async () => {
      child.kill('SIGTERM');
      await exited;
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

function findNext(cache: string): string | undefined {
  if (!existsSync(cache)) return undefined;
  const name = readdirSync(cache).find((entry) => /^next-\d+$/.test(entry));
  return name && join(cache, name);
}
