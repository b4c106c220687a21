import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

interface RunningProcess {
  readonly pid: number;
  readonly command: string;
}

it.each([
  ['by Ctrl-C', (run: ChildProcess) => process.kill(-run.pid!, 'SIGINT')],
  ['as its test runner is killed', killTestRunner],
] as const)('A run that is interrupted %s leaves no process and no directory behind', async (_how, interrupt) => {
  const temporary = await mkdtemp(join(tmpdir(), 'projected-token-interrupted-'));
  onTestFinished(() => rm(temporary, { recursive: true, force: true }));
  const command = ['--import', 'tsx', 'test/cluster/main.ts', 'vault-failover'];
  // A process group of its own, as a terminal gives it one. What it starts is known by its environment.
  const options = { cwd: ROOT, env: { ...process.env, TMPDIR: temporary }, detached: true, stdio: 'ignore' } as const;
  const run = spawn(process.execPath, command, options);
  const exited = once(run, 'exit');
  const parts = ['etcd', 'apiserver', 'kubelet', 'bao'];
  await expect
    .poll(async () => {
      const commands = (await processesOf(temporary)).map(({ command }) => command);
      return parts.filter((part) => commands.some((line) => line.includes(`/bin/${part} `)));
    })
    .toEqual(parts);
  await interrupt(run, temporary);
  await exited;
  await expect.poll(() => processesOf(temporary)).toEqual([]);
  const left = (await readdir(temporary)).filter((name) => name.startsWith('projected-token-'));
  expect(left).toEqual([]);
});

async function killTestRunner(_run: ChildProcess, temporary: string): Promise<void> {
  const runner = (await processesOf(temporary)).find(({ command }) => command.includes('vitest.mjs run'));
  process.kill(runner!.pid, 'SIGKILL');
}

/** The processes whose temporary files go below a directory. */
async function processesOf(temporary: string): Promise<RunningProcess[]> {
  const running: RunningProcess[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    // A process that ends meanwhile is none.
    const read = (file: string) => readFile(`/proc/${name}/${file}`, 'utf8').catch(() => '');
    if (!(await read('environ')).split('\0').some((variable) => variable.startsWith(`TMPDIR=${temporary}`))) continue;
    running.push({ pid: Number(name), command: (await read('cmdline')).replaceAll('\0', ' ') });
  }
  return running;
}
