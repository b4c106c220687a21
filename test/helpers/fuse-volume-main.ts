import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readSync, writeSync } from 'node:fs';

/**
 * A FUSE file system in a process of its own: the links of a projected volume, and a token file that says what the parent
 * told. It speaks the protocol of /dev/fuse itself (include/uapi/linux/fuse.h), so nothing has to be installed.
 *
 * Once it is sent SIGSTOP it does not answer, as a dead server: whoever asks waits in the kernel.
 */
const [directory, token] = process.argv.slice(2) as [string, string];

const OP = {
  lookup: 1,
  forget: 2,
  getattr: 3,
  readlink: 5,
  open: 14,
  read: 15,
  release: 18,
  flush: 25,
  init: 26,
  opendir: 27,
  readdir: 28,
  releasedir: 29,
  interrupt: 36,
  batchForget: 42,
};
const ENOENT = 2;
const ENOSYS = 38;

const S_IFDIR = 0o40000;
const S_IFREG = 0o100000;
const S_IFLNK = 0o120000;

interface Node {
  readonly mode: number;
  readonly content: string;
  readonly entries?: Readonly<Record<string, bigint>>;
}

const ROOT = 1n;
const NODES = new Map<bigint, Node>([
  [ROOT, { mode: S_IFDIR | 0o755, content: '', entries: { 'vault-token': 2n, '..data': 3n, '..1': 4n } }],
  [2n, { mode: S_IFLNK | 0o777, content: '..data/vault-token' }],
  [3n, { mode: S_IFLNK | 0o777, content: '..1' }],
  [4n, { mode: S_IFDIR | 0o755, content: '', entries: { 'vault-token': 5n } }],
  [5n, { mode: S_IFREG | 0o644, content: token }],
]);

const device = openSync('/dev/fuse', 'r+');
const options = 'fd=3,rootmode=40000,user_id=0,group_id=0,allow_other';
const mounted = spawnSync('mount', ['-i', '-t', 'fuse', '-o', options, 'projected-token-test', directory], {
  stdio: ['ignore', 'inherit', 'inherit', device],
});
if (mounted.status !== 0) process.exit(1);

const request = Buffer.alloc(1 << 20);
process.stdout.write('mounted\n');
for (;;) {
  let length: number;
  try {
    length = readSync(device, request, 0, request.length, null);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Unmounted.
    if (code === 'ENODEV') break;
    // A request that was interrupted before it was read.
    if (code === 'ENOENT' || code === 'EINTR' || code === 'EAGAIN') continue;
    throw error;
  }
  answer(request.subarray(0, length));
}
closeSync(device);

/** fuse_in_header: len, opcode, unique, nodeid, uid, gid, pid; the body begins at 40. */
function answer(message: Buffer): void {
  const opcode = message.readUInt32LE(4);
  const unique = message.readBigUInt64LE(8);
  const id = message.readBigUInt64LE(16);
  // These have no answer.
  if (opcode === OP.forget || opcode === OP.batchForget || opcode === OP.interrupt) return;
  const outcome = perform(opcode, id, message.subarray(40));
  if (typeof outcome === 'number') reply(unique, outcome, Buffer.alloc(0));
  else reply(unique, 0, outcome);
}

/** The body of the answer, or the number of an error. */
function perform(opcode: number, id: bigint, body: Buffer): Uint8Array | number {
  // The first request is of no node.
  const { content, entries } = NODES.get(id) ?? NODES.get(ROOT)!;
  switch (opcode) {
    case OP.init: {
      const init = Buffer.alloc(64);
      init.writeUInt32LE(7, 0);
      init.writeUInt32LE(31, 4);
      init.writeUInt32LE(65_536, 8);
      init.writeUInt32LE(65_536, 20);
      return init;
    }
    case OP.lookup: {
      const found = entries?.[body.subarray(0, body.indexOf(0)).toString()];
      if (found === undefined) return ENOENT;
      const entry = Buffer.alloc(40);
      entry.writeBigUInt64LE(found, 0);
      // Nothing is valid for any time: the kernel asks at each look.
      return Buffer.concat([entry, attributes(found)]);
    }
    case OP.getattr:
      return Buffer.concat([Buffer.alloc(16), attributes(id)]);
    case OP.readlink:
      return Buffer.from(content);
    case OP.open:
    case OP.opendir: {
      const opened = Buffer.alloc(16);
      // FOPEN_DIRECT_IO
      opened.writeUInt32LE(1, 8);
      return opened;
    }
    case OP.read: {
      const offset = Number(body.readBigUInt64LE(8));
      return Buffer.from(content).subarray(offset, offset + body.readUInt32LE(16));
    }
    case OP.readdir:
      return body.readBigUInt64LE(8) === 0n ? listing(entries ?? {}) : Buffer.alloc(0);
    case OP.release:
    case OP.flush:
    case OP.releasedir:
      return Buffer.alloc(0);
    default:
      return ENOSYS;
  }
}

/** fuse_out_header: len, error, unique. */
function reply(unique: bigint, errno: number, body: Uint8Array): void {
  const header = Buffer.alloc(16);
  header.writeUInt32LE(16 + body.length, 0);
  header.writeInt32LE(-errno, 4);
  header.writeBigUInt64LE(unique, 8);
  try {
    writeSync(device, Buffer.concat([header, body]));
  } catch (error) {
    // Who asked has gone.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** fuse_attr */
function attributes(id: bigint): Buffer {
  const { mode, content } = NODES.get(id)!;
  const attr = Buffer.alloc(88);
  attr.writeBigUInt64LE(id, 0);
  attr.writeBigUInt64LE(BigInt(Buffer.byteLength(content)), 8);
  attr.writeUInt32LE(mode, 60);
  attr.writeUInt32LE(1, 64);
  attr.writeUInt32LE(4096, 80);
  return attr;
}

/** fuse_dirent, each padded to 8 bytes. */
function listing(entries: Readonly<Record<string, bigint>>): Buffer {
  const all = Object.entries(entries).map(([name, id], index) => {
    const entry = Buffer.alloc(Math.ceil((24 + name.length) / 8) * 8);
    entry.writeBigUInt64LE(id, 0);
    entry.writeBigUInt64LE(BigInt(index + 1), 8);
    entry.writeUInt32LE(name.length, 16);
    entry.writeUInt32LE(NODES.get(id)!.mode >> 12, 20);
    entry.write(name, 24);
    return entry;
  });
  return Buffer.concat(all);
}
