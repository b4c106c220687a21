import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/**
 * What somebody did to a projected volume: one line an operation, such as `symlink ..data_tmp -> ..1`, with paths below the mount
 * directory, and the timestamped directories numbered as they appear. Looks that change nothing are left out.
 */
export type VolumeOperations = readonly string[];

/** Who writes a projected volume with `vault/token` and `ca.crt`: a kubelet, or the stand-in for it. */
export interface VolumeWriterUnderTest {
  /** Mounts such a volume; resolves with its first write and with a second one, of other content. */
  write(volume: { readonly hasFsGroup: boolean }): Promise<readonly [VolumeOperations, VolumeOperations]>;
  close(): Promise<void>;
}

/** The stages of one write. The kubelet goes through files and links in a random order, which is no part of the contract. */
interface WriteStages {
  /** The directory of this write. */
  readonly make: VolumeOperations;
  /** The files in it. */
  readonly write: VolumeOperations;
  /** With fsGroup: everything that there is gets the group. */
  readonly own: VolumeOperations;
  /** From now on readers get the new files. */
  readonly swap: VolumeOperations;
  /** Links that readers know, and the directory of the write before. */
  readonly finish: VolumeOperations;
}

const FILES = (directory: string, tokenMode: number) => [
  `write ${directory}/ca.crt`,
  `chmod ${directory}/ca.crt 644`,
  `mkdir ${directory}/vault`,
  `write ${directory}/vault/token`,
  `chmod ${directory}/vault/token ${tokenMode}`,
];
const OWNED = (directory: string) => [
  `lchown ${directory}`,
  `chmod ${directory} 2755`,
  `lchown ${directory}/ca.crt`,
  `chmod ${directory}/ca.crt 644`,
  `lchown ${directory}/vault`,
  `chmod ${directory}/vault 2755`,
  `lchown ${directory}/vault/token`,
  `chmod ${directory}/vault/token 640`,
];
const MOUNT = ['lchown .', 'chmod . 2777'];
const LINKS = ['symlink ca.crt -> ..data/ca.crt', 'symlink vault -> ..data/vault'];
const make = (directory: string) => [`mkdir ${directory}`, `chmod ${directory} 755`];
const swap = (directory: string) => [`symlink ..data_tmp -> ${directory}`, 'rename ..data_tmp ..data'];

/** How a projected volume is written: what a reader of it may meet, at any moment. */
export function describeVolume(name: string, start: () => Promise<VolumeWriterUnderTest>): void {
  describe(`A volume of ${name}`, () => {
    let writer: VolumeWriterUnderTest;

    beforeAll(async () => {
      writer = await start();
    });
    afterAll(() => writer?.close());

    it('is written to a directory of its own, which one rename puts in place of the one before', async () => {
      const [first, second] = await writer.write({ hasFsGroup: false });
      expect(stagesOf(first)).toEqual({
        make: make('..1'),
        write: FILES('..1', 644),
        own: [],
        swap: swap('..1'),
        finish: LINKS,
      });
      expect(stagesOf(second)).toEqual({
        make: make('..2'),
        write: FILES('..2', 644),
        own: [],
        swap: swap('..2'),
        finish: ['rm ..1'],
      });
    });

    it('with fsGroup is given to the group as a whole, the files in use included, before each swap', async () => {
      const [first, second] = await writer.write({ hasFsGroup: true });
      expect(stagesOf(first)).toEqual({
        make: make('..1'),
        write: FILES('..1', 600),
        own: [...MOUNT, ...OWNED('..1')],
        swap: swap('..1'),
        finish: LINKS,
      });
      expect(stagesOf(second)).toEqual({
        make: make('..2'),
        write: FILES('..2', 600),
        own: [...MOUNT, ...OWNED('..1'), ...OWNED('..2'), 'lchown ..data', 'lchown ca.crt', 'lchown vault'],
        swap: swap('..2'),
        finish: ['rm ..1'],
      });
    });
  });
}

function stagesOf(operations: VolumeOperations): WriteStages {
  const swapAt = operations.findIndex((operation) => operation.startsWith('symlink ..data_tmp '));
  const ownAt = operations.findIndex((operation) => operation.startsWith('lchown '));
  const writtenAt = ownAt === -1 ? swapAt : ownAt;
  return {
    make: operations.slice(0, 2),
    write: byPath(operations.slice(2, writtenAt)),
    own: byPath(operations.slice(writtenAt, swapAt)),
    swap: operations.slice(swapAt, swapAt + 2),
    finish: byPath(operations.slice(swapAt + 2)),
  };
}

/** Sorted by what they are done to; the operations on one path stay in their order. */
function byPath(operations: VolumeOperations): VolumeOperations {
  const pathOf = (operation: string) => operation.split(' ', 2)[1]!;
  return operations.toSorted((a, b) => (pathOf(a) < pathOf(b) ? -1 : pathOf(a) > pathOf(b) ? 1 : 0));
}
