import { readdirSync, readFileSync } from 'node:fs';

/** Threads of this process that wait in a function of the kernel whose name matches (proc(5), /proc/pid/task/tid/wchan). */
export function waitingThreads(where: RegExp): number {
  const threads = readdirSync('/proc/self/task');
  return threads.filter((id) => where.test(readFileSync(`/proc/self/task/${id}/wchan`, 'utf8'))).length;
}
