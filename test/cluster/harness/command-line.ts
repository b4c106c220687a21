import { execFile } from 'node:child_process';
import { chmod } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { onTestFinished } from 'vitest';
import { RunDirectory } from './run-directory.js';

/** What a run of the command line came to. */
export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command line of this package as another user, who has no other groups. Needs root. */
export async function runAsUser(
  { uid, gid }: { readonly uid: number; readonly gid: number },
  args: readonly string[],
): Promise<CommandResult> {
  // In a directory that everybody can enter, wherever the repository lies.
  const directory = await RunDirectory.create();
  onTestFinished(() => directory[Symbol.asyncDispose]());
  await chmod(directory.path, 0o755);
  const outfile = directory.join('main.mjs');
  await build({
    entryPoints: [fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url))],
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile,
    logLevel: 'error',
  });
  const identity = [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups'];
  return new Promise((resolve) => {
    execFile('setpriv', [...identity, process.execPath, outfile, ...args], { cwd: '/' }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}
