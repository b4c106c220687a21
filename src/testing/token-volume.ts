import { randomBytes } from 'node:crypto';
import nodeFs from 'node:fs';
import { dirname, join } from 'node:path';

/** The synchronous part of `node:fs` that a volume is written with; memfs has it as well. */
export interface VolumeFileSystem {
  mkdirSync(path: string, options?: { recursive?: boolean }): unknown;
  mkdtempSync(prefix: string): unknown;
  chmodSync(path: string, mode: number): void;
  lchownSync(path: string, uid: number, gid: number): void;
  lstatSync(path: string): {
    readonly mode: number;
    readonly uid: number;
    isDirectory(): boolean;
    isSymbolicLink(): boolean;
  };
  readdirSync(path: string): unknown[];
  writeFileSync(path: string, data: string | Uint8Array, options?: { mode?: number }): void;
  readFileSync(path: string): unknown;
  readlinkSync(path: string): unknown;
  symlinkSync(target: string, path: string): void;
  renameSync(from: string, to: string): void;
  unlinkSync(path: string): void;
  rmSync(path: string, options?: { recursive?: boolean; force?: boolean }): void;
}

/** Options of {@link TokenVolume}. */
export interface TokenVolumeOptions {
  /** Mount directory; created if it is missing. */
  readonly directory: string;
  /** `serviceAccountToken.path` of the pod manifest; may have folders. @default 'vault-token' */
  readonly fileName?: string;
  /** Other files of the volume, by name, as `ca.crt` and `namespace` of the auto-mounted one. @default none */
  readonly files?: Readonly<Record<string, string>>;
  /** File system, such as memfs'. @default node:fs */
  readonly fs?: VolumeFileSystem;
  /**
   * Mode of the token file. A kubelet ignores `defaultMode` where the pod sets fsGroup, or runs as one user (projected.go, collectData).
   *
   * @default 0o600 with `fsGroup`, which makes it 0o640 then; 0o644 without
   */
  readonly mode?: number;
  /**
   * `securityContext.fsGroup`: before each swap the whole volume is given to this group and made readable by it, which causes early file
   * events. `beforeSwap: false` does it after the swap, as older kubelets did: for a moment the group cannot read the new token.
   *
   * @default none
   */
  readonly fsGroup?: { readonly gid: number; readonly beforeSwap?: boolean };
  /**
   * How `..data` is replaced: `rename` as on Linux; `unlink` (and link again) as on Windows, where it is missing for a moment.
   *
   * @default 'rename' on node:fs, 'unlink' on any other: memfs 4 renames what a link points at instead of the link
   */
  readonly swap?: 'rename' | 'unlink';
}

/** One operation of a kubelet on the volume; {@link TokenVolume.steps} stops after each. */
export type VolumeStep =
  | 'make-directory'
  | 'write-file'
  | 'own-volume'
  | 'link-data-tmp'
  | 'unlink-data'
  | 'swap-data'
  | 'link-file'
  | 'remove-old';

/** Mode of the other files: `defaultMode` of the pod manifest where that says nothing. */
const DEFAULT_MODE = 0o644;

/**
 * A projected volume that is written with the kubelet's operations, in the same order (kubernetes/kubernetes
 * pkg/volume/util/atomic_writer.go), on disk or in memory. Every method is synchronous, so tests need no sleep and work with fake timers.
 *
 * @example
 * ```ts
 * const volume = new TokenVolume({ directory: '/var/run/secrets/tokens', fs: memfs });
 * volume.write(await mintToken());
 * const provider = await ProjectedTokenProvider.open({ path: volume.path, fs: memfs });
 * volume.write(await mintToken()); // a rotation
 * ```
 */
export class TokenVolume {
  /** The mount directory. */
  readonly directory: string;
  /** Path of the token file for the application. */
  readonly path: string;
  readonly #options: Required<Pick<TokenVolumeOptions, 'fileName' | 'files' | 'fs' | 'mode' | 'swap'>> &
    TokenVolumeOptions;
  #revision = 0;

  constructor(options: TokenVolumeOptions) {
    const fs = options.fs ?? nodeFs;
    this.#options = {
      fileName: 'vault-token',
      files: {},
      mode: options.fsGroup === undefined ? DEFAULT_MODE : 0o600,
      swap: fs === nodeFs ? 'rename' : 'unlink',
      ...options,
      fs,
    };
    this.directory = options.directory;
    this.path = join(this.directory, this.#options.fileName);
    fs.mkdirSync(this.directory, { recursive: true });
  }

  /** Creates a volume in a new directory under `parent`; `[Symbol.dispose]` removes it. */
  static temporary(parent: string, options: Omit<TokenVolumeOptions, 'directory'> = {}): TokenVolume {
    const fs = options.fs ?? nodeFs;
    fs.mkdirSync(parent, { recursive: true });
    return new TokenVolume({ ...options, directory: String(fs.mkdtempSync(join(parent, 'token-volume-'))) });
  }

  /** Content of the token file; undefined if there is none. */
  get content(): string | undefined {
    try {
      return String(this.#options.fs.readFileSync(this.path));
    } catch {
      return undefined;
    }
  }

  /** Writes the first token, or rotates it. Equal content is not written again, as in a kubelet. */
  write(token: string | Uint8Array): void {
    for (const _ of this.steps(token));
  }

  /** Writes something that is not an acceptable token, by the same operations. @param content - default `not a token` */
  corrupt(content: string | Uint8Array = 'not a token'): void {
    this.write(content);
  }

  /**
   * Does one write step by step, one operation at each `next()`, to test the states in between.
   *
   * @example
   * ```ts
   * for (const step of volume.steps(token)) {
   *   if (step === 'unlink-data') await expect(provider.refresh()).resolves.toBe(provider.current);
   * }
   * ```
   */
  *steps(token: string | Uint8Array): Generator<VolumeStep, void> {
    const { fs, fileName, files, mode, fsGroup, swap } = this.#options;
    const data = join(this.directory, '..data');
    const oldDirectory = this.#readLink(data);
    if (oldDirectory !== undefined && this.content === Buffer.from(token).toString()) return;
    const newDirectory = timestampName(++this.#revision);
    fs.mkdirSync(join(this.directory, newDirectory));
    fs.chmodSync(join(this.directory, newDirectory), 0o755);
    yield 'make-directory';
    const others = Object.entries(files).map(([name, content]) => [name, content, DEFAULT_MODE] as const);
    for (const [name, content, fileMode] of [...others, [fileName, token, mode] as const]) {
      const file = join(this.directory, newDirectory, name);
      fs.mkdirSync(dirname(file), { recursive: true });
      fs.writeFileSync(file, content);
      fs.chmodSync(file, fileMode);
      yield 'write-file';
    }
    if (fsGroup !== undefined && fsGroup.beforeSwap !== false) {
      this.#own(this.directory, fsGroup.gid);
      yield 'own-volume';
    }
    const temporary = join(this.directory, '..data_tmp');
    if (swap === 'rename') {
      fs.symlinkSync(newDirectory, temporary);
      yield 'link-data-tmp';
      fs.renameSync(temporary, data);
    } else {
      if (oldDirectory !== undefined) {
        fs.unlinkSync(data);
        yield 'unlink-data';
      }
      fs.symlinkSync(newDirectory, data);
    }
    yield 'swap-data';
    for (const name of [...Object.keys(files), fileName]) {
      // A nested path is linked by its first component (atomic_writer.go, createUserVisibleFiles).
      const visible = name.split('/', 1)[0]!;
      if (this.#readLink(join(this.directory, visible)) !== undefined) continue;
      fs.symlinkSync(`..data/${visible}`, join(this.directory, visible));
      yield 'link-file';
    }
    if (oldDirectory !== undefined) {
      fs.rmSync(join(this.directory, oldDirectory), { recursive: true, force: true });
      yield 'remove-old';
    }
    if (fsGroup?.beforeSwap === false) {
      this.#own(this.directory, fsGroup.gid);
      yield 'own-volume';
    }
  }

  /** Removes the volume with its directory. */
  unmount(): void {
    this.#options.fs.rmSync(this.directory, { recursive: true, force: true });
  }

  /** Creates the directory again, and writes the token if one is given. */
  remount(token?: string | Uint8Array): void {
    this.#options.fs.mkdirSync(this.directory, { recursive: true });
    if (token !== undefined) this.write(token);
  }

  [Symbol.dispose](): void {
    this.unmount();
  }

  /** Gives all that is below a path, and then the path, to a group that may read it (volume_linux.go, walkDeep). */
  #own(path: string, gid: number): void {
    const { fs } = this.#options;
    const stats = fs.lstatSync(path);
    if (stats.isDirectory()) {
      for (const name of fs.readdirSync(path).map(String).sort()) this.#own(join(path, name), gid);
    }
    fs.lchownSync(path, stats.uid, gid);
    // A link has no mode of its own: a chmod would change what it points at.
    if (stats.isSymbolicLink()) return;
    fs.chmodSync(path, (stats.mode & 0o7777) | (stats.isDirectory() ? 0o2550 : 0o440));
  }

  #readLink(path: string): string | undefined {
    try {
      return String(this.#options.fs.readlinkSync(path));
    } catch {
      return undefined;
    }
  }
}

/** `..2026_01_31_12_30_00.123456789`: UTC, and a part that makes it unique (atomic_writer.go, newTimestampDir). */
function timestampName(revision: number): string {
  const time = new Date().toISOString().slice(0, 19).replace(/[-:T]/g, '_');
  return `..${time}.${revision}${randomBytes(4).readUInt32BE()}`;
}
