import type { TokenDirectoryWatcher, TokenFileHandle, TokenFileStats, TokenFileSystem } from 'projected-token';

type WatchListener = (event: string, filename: string | null) => void;

const DIRECTORY = '/var/run/secrets/tokens';

/**
 * A projected volume with one token, as the library sees it: made for speed, where memfs would take most of the time. Can be gone, and
 * can keep its readers waiting.
 */
export class SimulatedVolume implements TokenFileSystem {
  readonly path = `${DIRECTORY}/token`;
  #content: Buffer = Buffer.alloc(0);
  /** Undefined while nothing is mounted. */
  #inode: number | undefined = 1;
  #mounts = 1;
  #watchers = new Set<WatchListener>();
  /** What resolves when the volume answers again; undefined while it does. */
  #silence: { readonly ended: Promise<void>; readonly end: () => void } | undefined;

  /** Whether a read that begins now gets an answer. */
  get isReadable(): boolean {
    return this.#inode !== undefined && this.#silence === undefined;
  }

  /** The kubelet swaps the volume (atomic_writer.go): a new directory, a new link, renamed over `..data`, the old directory removed. */
  write(content: string): void {
    this.#content = Buffer.from(content);
    if (this.#inode === undefined) return;
    for (const name of ['..2026_01', '..data_tmp', '..data', '..2026_00']) this.#tell(name);
  }

  unmount(): void {
    this.#inode = undefined;
    this.#tell('tokens');
    // As with inotify: a watch ends with what it watches.
    this.#watchers = new Set();
  }

  mount(): void {
    this.#inode = ++this.#mounts;
  }

  /** Operations do not come back until {@link answer}. */
  fallSilent(): void {
    if (this.#silence !== undefined) return;
    let end = () => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    this.#silence = { ended, end };
  }

  answer(): void {
    this.#silence?.end();
    this.#silence = undefined;
  }

  readonly promises: TokenFileSystem['promises'] = {
    open: async (path) => {
      await this.#silence?.ended;
      this.#assertMounted(path);
      return this.#handle();
    },
    readdir: async (path) => {
      await this.#silence?.ended;
      this.#assertMounted(path);
      return ['..data', '..2026_01', 'token'];
    },
    readlink: async (path) => {
      await this.#silence?.ended;
      this.#assertMounted(path);
      if (path === this.path) return '..data/token';
      throw Object.assign(new Error(`EINVAL: invalid argument, readlink '${path}'`), { code: 'EINVAL', path });
    },
    stat: async (path) => {
      await this.#silence?.ended;
      // What is above the volume is always there.
      if (path.startsWith(DIRECTORY)) this.#assertMounted(path);
      return this.#stats(path === this.path ? 'file' : 'directory');
    },
  };

  watch(directory: string, _options: object, listener: WatchListener): TokenDirectoryWatcher {
    if (directory === DIRECTORY) {
      this.#assertMounted(directory);
      this.#watchers.add(listener);
    }
    return { on() {}, close: () => void this.#watchers.delete(listener) };
  }

  #handle(): TokenFileHandle {
    const content = this.#content;
    const stats = this.#stats('file');
    return {
      stat: async () => {
        await this.#silence?.ended;
        return stats;
      },
      read: async (buffer, offset, length, position) => {
        await this.#silence?.ended;
        return { bytesRead: content.copy(buffer, offset, position, position + length) };
      },
      close: async () => {},
    };
  }

  #stats(kind: 'file' | 'directory'): TokenFileStats {
    return {
      dev: 1,
      ino: this.#inode ?? 0,
      birthtimeMs: this.#mounts,
      mode: 0o100644,
      uid: 0,
      gid: 0,
      size: this.#content.length,
      isFile: () => kind === 'file',
      isDirectory: () => kind === 'directory',
    };
  }

  #assertMounted(path: string): void {
    if (this.#inode !== undefined) return;
    throw Object.assign(new Error(`ENOENT: no such file or directory, '${path}'`), { code: 'ENOENT', path });
  }

  #tell(filename: string): void {
    for (const listener of [...this.#watchers]) listener('rename', filename);
  }
}
