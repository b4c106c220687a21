/**
 * The part of `node:fs` that this library uses. Any file system with these members works, such as memfs.
 *
 * @example
 * ```ts
 * import { fs } from 'memfs';
 * const provider = await ProjectedTokenProvider.open({ path: '/tokens', fs });
 * ```
 */
export interface TokenFileSystem {
  readonly promises: {
    open(path: string, flags: number): Promise<TokenFileHandle>;
    readdir(path: string): Promise<unknown[]>;
    readlink(path: string): Promise<unknown>;
    stat(path: string): Promise<TokenFileStats>;
  };
  watch(
    directory: string,
    options: { persistent?: boolean },
    listener: (event: string, filename: string | null) => void,
  ): TokenDirectoryWatcher;
}

/** An open file. */
export interface TokenFileHandle {
  stat(): Promise<TokenFileStats>;
  read(buffer: Uint8Array, offset: number, length: number, position: number): Promise<{ readonly bytesRead: number }>;
  close(): Promise<void>;
}

/** What is asked of `fs.Stats`. */
export interface TokenFileStats {
  readonly dev: number | bigint;
  readonly ino: number | bigint;
  readonly birthtimeMs: number | bigint;
  readonly mode: number | bigint;
  readonly uid: number | bigint;
  readonly gid: number | bigint;
  readonly size: number | bigint;
  isFile(): boolean;
  isDirectory(): boolean;
}

/** What `fs.watch` gives back. */
export interface TokenDirectoryWatcher {
  on(event: 'error', listener: (error: Error) => void): unknown;
  close(): void;
}
