import type { VolumeFileSystem } from 'projected-token/testing';

type Operation = keyof VolumeFileSystem;

/** How an operation is written down: its name, then the paths, the target or the mode that it was given. */
const ARGUMENTS: Partial<Record<Operation, (...args: never[]) => unknown[]>> = {
  chmodSync: (path: string, mode: number) => [path, mode.toString(8)],
  lchownSync: (path: string, _uid: number, gid: number) => [path, gid],
  symlinkSync: (target: string, path: string) => [path, '->', target],
  renameSync: (from: string, to: string) => [from, to],
};

/** Looks that a walk takes, and that change nothing. */
const UNRECORDED: readonly Operation[] = ['lstatSync', 'readdirSync'];

/**
 * A file system that writes down what is done to a volume: `symlink ..data_tmp -> ..1`, with paths below the mount directory, and
 * the timestamped directories numbered as they appear.
 */
export class RecordedFileSystem {
  readonly operations: string[] = [];
  readonly fs: VolumeFileSystem;
  readonly #numbers = new Map<string, number>();

  constructor(fs: VolumeFileSystem, directory: string) {
    this.fs = new Proxy(fs, {
      get: (target, name: Operation) => {
        const operation = target[name] as (...args: unknown[]) => unknown;
        return (...args: unknown[]) => {
          let outcome: string | undefined = '';
          try {
            const result = Reflect.apply(operation, target, args);
            // A recursive mkdir of what is there makes nothing.
            if (name === 'mkdirSync' && args.length > 1 && result === undefined) outcome = undefined;
            return result;
          } catch (error) {
            outcome = ` (${(error as NodeJS.ErrnoException).code})`;
            throw error;
          } finally {
            if (outcome !== undefined && !UNRECORDED.includes(name)) this.#record(name, args, directory, outcome);
          }
        };
      },
    });
  }

  /** What was done since the last call. */
  take(): string[] {
    return this.operations.splice(0);
  }

  #record(name: Operation, args: unknown[], directory: string, outcome: string): void {
    const shown = ARGUMENTS[name]?.(...(args as never[])) ?? [args[0]];
    const line = [name.replace(/Sync$/, ''), ...shown].join(' ') + outcome;
    this.operations.push(
      line
        .replaceAll(`${directory}/`, '')
        .replaceAll(directory, '.')
        .replace(/\.\.\d{4}_[\d_]+\.\d+/g, (stamp) => {
          if (!this.#numbers.has(stamp)) this.#numbers.set(stamp, this.#numbers.size + 1);
          return `..${this.#numbers.get(stamp)}`;
        }),
    );
  }
}
