import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { describeVolume } from '../../contract/volume-contract.js';
import { startCluster } from '../harness/cluster.js';
import { podWith, tokenSource } from '../harness/manifests.js';
import { canTrace, TracedProcess } from '../harness/traced-volumes.js';

const isTraceable = canTrace();
if (!isTraceable)
  console.log('strace is missing or not allowed: nobody looks at what the kubelet does to its volumes.');

describe.skipIf(!isTraceable)('By strace', () => {
  describeVolume('the kubelet', async () => {
    const cluster = await startCluster();
    const config = '/api/v1/namespaces/default/configmaps';
    const write = async ({ hasFsGroup }: { hasFsGroup: boolean }) => {
      const name = hasFsGroup ? 'grouped' : 'plain';
      const certificate = (text: string) => ({ metadata: { name }, data: { 'ca.crt': text } });
      await cluster.admin.ask('POST', config, certificate('first'));
      const sources = [tokenSource('vault/token', 'vault'), { configMap: { name } }];
      const pod = podWith(name, sources, { securityContext: hasFsGroup ? { fsGroup: 2000 } : {} });
      const traced = await TracedProcess.attach(cluster.kubelet.pid, cluster.file(`strace-${name}`));
      // Without the volume that every pod gets: while that waits for a CA, a kubelet changes no other.
      const spec = { ...(pod.spec as object), automountServiceAccountToken: false };
      const directory = (await cluster.createPod({ ...pod, spec })).volume('tokens');
      const isWritten = async (text: string, writes: number) => {
        await expect.poll(() => readCertificate(directory)).toBe(text);
        // The last operations follow the swap.
        await expect
          .poll(async () => (await traced.writesOf(directory)).at(-1)?.at(-1))
          .toMatch(writes === 1 ? /^symlink (ca\.crt|vault) / : /^rm /);
      };
      await isWritten('first', 1);
      await cluster.admin.ask('PUT', `${config}/${name}`, certificate('second'));
      await isWritten('second', 2);
      await traced.detach();
      const writes = await traced.writesOf(directory);
      expect(writes).toHaveLength(2);
      return [writes[0]!, writes[1]!] as const;
    };
    return { write, close: () => cluster[Symbol.asyncDispose]() };
  });
});

function readCertificate(directory: string): string | undefined {
  try {
    return readFileSync(join(directory, 'ca.crt'), 'utf8');
  } catch {
    return undefined;
  }
}
