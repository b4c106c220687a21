import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));

/**
 * The report of `npm run differential`, run in a process of its own: what the clients leave unhandled must not fail a test.
 *
 * @throws where it ended without one, as after a signal
 */
export function runSeparately(...given: readonly string[]): Promise<string> {
  const run = [...['--no-warnings', '--import', 'tsx', MAIN], ...given];
  return new Promise((resolve, reject) => {
    execFile(process.execPath, run, { maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      if (stdout !== '') resolve(stdout);
      else reject(new Error(`No report (${error?.signal ?? `exit code ${error?.code ?? 0}`}): ${stderr}`));
    });
  });
}
