import nodeFs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TokenVolume } from 'projected-token/testing';
import { RecordedFileSystem } from '../helpers/recorded-file-system.js';
import { describeVolume, type VolumeOperations } from './volume-contract.js';

describeVolume('TokenVolume', async () => ({
  write: async ({ hasFsGroup }) => {
    const directory = nodeFs.mkdtempSync(join(tmpdir(), 'token-volume-'));
    nodeFs.chmodSync(directory, 0o777);
    const recorded = new RecordedFileSystem(nodeFs, directory);
    using volume = new TokenVolume({
      directory,
      fileName: 'vault/token',
      files: { 'ca.crt': 'a certificate' },
      fs: recorded.fs,
      swap: 'rename',
      // A group that this process may give its files to.
      ...(hasFsGroup && { fsGroup: { gid: process.getgid!() } }),
    });
    const operationsOf = (token: string) => {
      recorded.take();
      volume.write(token);
      return mutations(recorded.take());
    };
    return [operationsOf('first'), operationsOf('second')];
  },
  close: async () => {},
}));

function mutations(operations: VolumeOperations): VolumeOperations {
  return operations
    .filter((operation) => !/^read(link|File) /.test(operation))
    .map((operation) => operation.replace(/^writeFile /, 'write ').replace(/^(lchown \S+) \d+$/, '$1'));
}
