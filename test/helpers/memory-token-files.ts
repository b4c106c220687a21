import { createFsFromVolume, Volume } from 'memfs';
import type { TokenFileHandle, TokenFileSystem } from 'projected-token';

/** The directory `/mnt/tokens` on memfs, with what a test lets happen between the steps of a read. */
export class MemoryTokenFiles {
  readonly memory = createFsFromVolume(new Volume());
  /** Is called before a file is opened. */
  onOpen: (path: string, flags: number) => void = () => {};
  /** Gives the methods of an opened file that behave otherwise. */
  wrap: (handle: TokenFileHandle) => Partial<TokenFileHandle> = () => ({});
  /** The paths that were opened. */
  readonly opened: string[] = [];
  /** How many files were closed. */
  closed = 0;

  readonly fs: TokenFileSystem = {
    promises: {
      open: async (path, flags) => {
        this.opened.push(path);
        this.onOpen(path, flags);
        const handle = (await this.memory.promises.open(path, flags)) as unknown as TokenFileHandle;
        const bound: TokenFileHandle = {
          stat: () => handle.stat(),
          read: (...args) => handle.read(...args),
          close: () => {
            this.closed++;
            return handle.close();
          },
        };
        return { ...bound, ...this.wrap(bound) };
      },
      // In no order, as file systems have it.
      readdir: async (path) => (await this.memory.promises.readdir(path)).reverse(),
      readlink: (path) => this.memory.promises.readlink(path),
      stat: (path) => this.memory.promises.stat(path) as never,
    },
    watch: () => ({ on: () => {}, close: () => {} }),
  };

  constructor() {
    this.memory.mkdirSync('/mnt/tokens', { recursive: true });
  }

  /** Writes files by their names into the directory. */
  write(files: Record<string, string | Buffer>): void {
    for (const [name, content] of Object.entries(files)) this.memory.writeFileSync(`/mnt/tokens/${name}`, content);
  }
}
