import { spawnSync } from 'node:child_process';

/** Whether the limit of a process can be changed while it runs. */
export const canLimitDescriptors = spawnSync('prlimit', ['--version']).status === 0;

/** How many descriptors a process may have from now on. Those that it has stay. */
export function limitDescriptors(pid: number, count: number): void {
  const { status, stderr } = spawnSync('prlimit', ['--pid', String(pid), `--nofile=${count}:`], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`prlimit failed: ${stderr}`);
}
