import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));

/** The report of `npm run differential`, run in a process of its own: what the clients leave unhandled must not fail a test. */
export function runSeparately(...given: readonly string[]): Promise<string> {
  const run = [...['--no-warnings', '--import', 'tsx', MAIN], ...given];
  return new Promise((resolve) => {
    execFile(process.execPath, run, { maxBuffer: 2 ** 26 }, (_error, stdout, stderr) => resolve(stdout || stderr));
  });
}
