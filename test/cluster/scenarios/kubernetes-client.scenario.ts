import { join } from 'node:path';
import { CoreV1Api, KubeConfig, makeInformer, Watch } from '@kubernetes/client-node';
import { ProjectedTokenProvider } from 'projected-token';
import { withToken } from 'projected-token/kubernetes';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { nextEvent } from '../../helpers/provider-events.js';
import { type Cluster, startCluster } from '../harness/cluster.js';
import { podWith } from '../harness/manifests.js';

let cluster: Cluster;
let provider: ProjectedTokenProvider;
let kubeConfig: KubeConfig;

beforeAll(async () => {
  cluster = await startCluster();
  await cluster.addServiceAccount('default', 'viewer');
  // "view" itself has no rules before a controller has put them together.
  await cluster.bindClusterRole('system:aggregate-to-view', 'default', 'viewer');
  // What a controller does in a whole cluster.
  const data = { 'ca.crt': cluster.ca };
  await cluster.admin.ask('POST', '/api/v1/namespaces/default/configmaps', {
    metadata: { name: 'kube-root-ca.crt' },
    data,
  });
  const pod = await cluster.createPod(podWith('viewer', [], { serviceAccount: 'viewer' }));
  const { spec } = await cluster.admin.ask('GET', '/api/v1/namespaces/default/pods/viewer');
  // The volume that every pod gets, for /var/run/secrets/kubernetes.io/serviceaccount.
  const mounted = spec.volumes.find(({ name }: { name: string }) => name.startsWith('kube-api-access-')).name;
  const directory = pod.volume(mounted);
  provider = await ProjectedTokenProvider.open({ path: join(directory, 'token') });
  const config = new KubeConfig();
  config.loadFromClusterAndUser(
    { name: 'in-cluster', server: cluster.origin, caFile: join(directory, 'ca.crt'), skipTLSVerify: false },
    { name: 'inClusterUser' },
  );
  kubeConfig = withToken(config, provider);
});
afterAll(async () => {
  await provider?.close();
  await cluster?.[Symbol.asyncDispose]();
});

async function rotate(): Promise<void> {
  const rotated = nextEvent(provider, 'rotated');
  await cluster.kubelet.restart();
  await rotated;
}

const addConfigMap = (name: string) =>
  cluster.admin.ask('POST', '/api/v1/namespaces/default/configmaps', { metadata: { name } });

describe('@kubernetes/client-node with the token that every pod has', () => {
  it('lists through rotations without a failure', async () => {
    const api = kubeConfig.makeApiClient(CoreV1Api);
    let requests = 0;
    let isOver = false;
    const listing = (async () => {
      while (!isOver) {
        const { items } = await api.listNamespacedPod({ namespace: 'default' });
        expect(items.map(({ metadata }) => metadata?.name)).toContain('viewer');
        requests++;
      }
    })();
    for (let rotation = 0; rotation < 5; rotation++) await rotate();
    isOver = true;
    await listing;
    console.log(`@kubernetes/client-node, 5 rotations: ${requests} lists, 0 failed`);
    expect(requests).toBeGreaterThan(20);
  });

  it('watches across a rotation', async () => {
    const seen: string[] = [];
    const done = { error: undefined as unknown };
    const path = '/api/v1/namespaces/default/configmaps';
    const watch = async () => {
      const onEvent = (_type: string, object: { metadata: { name: string } }) => seen.push(object.metadata.name);
      const controller = await new Watch(kubeConfig).watch(path, {}, onEvent, (error) => {
        done.error = error;
      });
      onTestFinished(() => controller.abort());
    };
    await watch();
    await rotate();
    await addConfigMap('seen-by-the-old-watch');
    await expect.poll(() => seen).toContain('seen-by-the-old-watch');
    await watch();
    await addConfigMap('seen-by-both');
    await expect.poll(() => seen.filter((name) => name === 'seen-by-both')).toHaveLength(2);
    expect(done.error).toBeUndefined();
  });

  it('keeps an informer going across a rotation and an API server that is started anew', async () => {
    const api = kubeConfig.makeApiClient(CoreV1Api);
    const path = '/api/v1/namespaces/default/configmaps';
    const informer = makeInformer(kubeConfig, path, () => api.listNamespacedConfigMap({ namespace: 'default' }));
    const seen: string[] = [];
    informer.on('add', ({ metadata }) => seen.push(metadata!.name!));
    // As its documentation says: an informer that failed is started again.
    informer.on('error', () => setTimeout(() => void informer.start().catch(() => {}), 200));
    await informer.start();
    onTestFinished(() => informer.stop());
    await rotate();
    await addConfigMap('before-the-restart');
    await expect.poll(() => seen).toContain('before-the-restart');
    await cluster.apiServer.restart();
    await rotate();
    await addConfigMap('after-the-restart');
    await expect.poll(() => seen, { timeout: 60_000 }).toContain('after-the-restart');
  });
});
