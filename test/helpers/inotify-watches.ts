import { readdirSync, readFileSync } from 'node:fs';

/** Watches of this process on directories (proc(5), /proc/pid/fdinfo). */
export function inotifyWatches(): number {
  let watches = 0;
  for (const descriptor of readdirSync('/proc/self/fdinfo')) {
    try {
      watches += readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8').match(/^inotify /gm)?.length ?? 0;
    } catch {
      // The descriptor of the listing itself is closed by now.
    }
  }
  return watches;
}
