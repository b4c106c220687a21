import nodeFs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFsFromVolume, Volume } from 'memfs';
import { TokenVolume, type TokenVolumeOptions, type VolumeFileSystem } from 'projected-token/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { RecordedFileSystem } from '../helpers/recorded-file-system.js';

// What a kubelet does, operation by operation (kubernetes/kubernetes pkg/volume/util/atomic_writer.go, Write).

let volume: TokenVolume;
let recorded: RecordedFileSystem;

afterEach(() => volume.unmount());

function mount(fs: VolumeFileSystem, options: Omit<TokenVolumeOptions, 'directory' | 'fs'> = {}): void {
  const directory = fs === nodeFs ? nodeFs.mkdtempSync(join(tmpdir(), 'token-volume-')) : '/mnt/tokens';
  recorded = new RecordedFileSystem(fs, directory);
  volume = new TokenVolume({ ...options, directory, fs: recorded.fs });
}

const memory = () => createFsFromVolume(new Volume());

function operationsOf(write: () => void): string[] {
  recorded.take();
  write();
  return recorded.take();
}

const WRITE = (directory: string) => [
  `mkdir ${directory}`,
  `chmod ${directory} 755`,
  `writeFile ${directory}/vault-token`,
  `chmod ${directory}/vault-token 644`,
];
const SWAP = (directory: string) => [`symlink ..data_tmp -> ${directory}`, 'rename ..data_tmp ..data'];

describe('the first write', () => {
  it('writes a new directory, puts it in place, and links the file into it', () => {
    mount(nodeFs, { swap: 'rename' });
    expect(operationsOf(() => volume.write('first'))).toEqual([
      'readlink ..data (ENOENT)',
      ...WRITE('..1'),
      ...SWAP('..1'),
      'readlink vault-token (ENOENT)',
      'symlink vault-token -> ..data/vault-token',
    ]);
  });

  it('links a nested path by its first component', () => {
    mount(nodeFs, { swap: 'rename', fileName: 'teams/a/token' });
    expect(operationsOf(() => volume.write('first'))).toEqual([
      'readlink ..data (ENOENT)',
      'mkdir ..1',
      'chmod ..1 755',
      'mkdir ..1/teams/a',
      'writeFile ..1/teams/a/token',
      'chmod ..1/teams/a/token 644',
      ...SWAP('..1'),
      'readlink teams (ENOENT)',
      'symlink teams -> ..data/teams',
    ]);
  });
});

describe('a rotation', () => {
  it('compares, writes a new directory, swaps, leaves the link of the file alone, and removes the old directory', () => {
    mount(nodeFs, { swap: 'rename' });
    volume.write('first');
    expect(operationsOf(() => volume.write('second'))).toEqual([
      'readlink ..data',
      'readFile vault-token',
      ...WRITE('..2'),
      ...SWAP('..2'),
      'readlink vault-token',
      'rm ..1',
    ]);
  });

  it('to the content that is there changes nothing', () => {
    mount(nodeFs, { swap: 'rename' });
    volume.write('first');
    expect(operationsOf(() => volume.write(Buffer.from('first')))).toEqual(['readlink ..data', 'readFile vault-token']);
  });

  it('unlinks and links in memory, where a rename would move what a link points at', () => {
    mount(memory());
    volume.write('first');
    const operations = operationsOf(() => volume.write('second'));
    expect(operations.slice(-4)).toEqual(['unlink ..data', 'symlink ..data -> ..2', 'readlink vault-token', 'rm ..1']);
  });

  it('fails for as long as somebody left a ..data_tmp behind, as a kubelet does', () => {
    mount(nodeFs, { swap: 'rename' });
    volume.write('first');
    nodeFs.symlinkSync('nowhere', `${volume.directory}/..data_tmp`);
    expect(() => volume.write('second')).toThrow(expect.objectContaining({ code: 'EEXIST' }));
    expect(volume.content).toBe('first');
  });
});

describe('with fsGroup', () => {
  const OWN = (...directories: string[]) => [
    ...directories.flatMap((directory) => [
      `lchown ${directory}/vault-token 2000`,
      `chmod ${directory}/vault-token 640`,
      `lchown ${directory} 2000`,
      `chmod ${directory} 2755`,
    ]),
    'lchown ..data 2000',
    'lchown vault-token 2000',
    'lchown . 2000',
    expect.stringMatching(/^chmod \. 27\d\d$/),
  ];

  it('the whole volume, its links included, is owned anew before the swap', () => {
    mount(memory(), { fsGroup: { gid: 2000 } });
    volume.write('first');
    const operations = operationsOf(() => volume.write('second'));
    // The names of the two directories are sorted by their random part.
    const owned = operations.slice(
      operations.indexOf('chmod ..2/vault-token 600') + 1,
      operations.indexOf('unlink ..data'),
    );
    expect(owned).toHaveLength(OWN('..1', '..2').length);
    expect(owned).toEqual(expect.arrayContaining(OWN('..1', '..2')));
    expect(owned.slice(-4)).toEqual(OWN());
  });

  it('of an older kubelet it is owned after everything else', () => {
    mount(memory(), { fsGroup: { gid: 2000, beforeSwap: false } });
    volume.write('first');
    const operations = operationsOf(() => volume.write('second'));
    expect(operations.slice(operations.indexOf('rm ..1') + 1)).toEqual(OWN('..2'));
    expect(operations.slice(0, operations.indexOf('rm ..1')).filter((line) => line.startsWith('lchown'))).toEqual([]);
  });
});
