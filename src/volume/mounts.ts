import { readFileSync } from 'node:fs';

/** A mounted file system. */
export interface Mount {
  /** Path that it is mounted on. */
  readonly point: string;
  /** Its device number, `major:minor`: one file system has one, wherever and however often it is mounted. */
  readonly device: string;
}

/**
 * Reads the mounts of this process, deepest first; undefined where the system has no `/proc/self/mountinfo` (macOS,
 * Windows). Synchronously: procfs asks no mount anything, and must not wait for a thread of the pool that a dead one holds.
 */
export function readMounts(): readonly Mount[] | undefined {
  try {
    return parseMountInfo(readFileSync('/proc/self/mountinfo', 'utf8'));
  } catch {
    return undefined;
  }
}

/** Reads lines such as `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw` (proc(5)); deepest mount first. */
export function parseMountInfo(text: string): readonly Mount[] {
  const mounts: Mount[] = [];
  for (const line of text.split('\n')) {
    const [, , device, , point] = line.split(' ');
    if (device !== undefined && point !== undefined) mounts.push({ point: decodePoint(point), device });
  }
  // Of two on the same point, the later covers the earlier.
  return mounts.reverse().sort((one, other) => other.point.length - one.point.length);
}

/** Returns the device of the file system that an absolute path without links leads into; undefined when none is known. */
export function deviceOf(path: string, mounts: readonly Mount[]): string | undefined {
  return mounts.find(({ point }) => path === point || path.startsWith(point.endsWith('/') ? point : `${point}/`))
    ?.device;
}

/** The kernel writes space, tab, line feed and backslash as `\040` and so on. */
function decodePoint(point: string): string {
  return point.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
