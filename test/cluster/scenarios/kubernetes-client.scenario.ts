import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { CoreV1Api, Exec, KubeConfig, makeInformer, Watch } from '@kubernetes/client-node';
import { ProjectedTokenProvider } from 'projected-token';
import { withToken } from 'projected-token/kubernetes';
import { createTokenVerifier } from 'projected-token/verify';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { nextEvent } from '../../helpers/provider-events.js';
import { expectNowhere } from '../../helpers/reachable-texts.js';
import { type Cluster, startCluster } from '../harness/cluster.js';
import { podWith } from '../harness/manifests.js';

const ROOT_CA = '/api/v1/namespaces/default/configmaps/kube-root-ca.crt';

let cluster: Cluster;
/** Where every pod has its token, "ca.crt" and "namespace": /var/run/secrets/kubernetes.io/serviceaccount. */
let directory: string;
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
  const mounted = spec.volumes.find(({ name }: { name: string }) => name.startsWith('kube-api-access-')).name;
  directory = pod.volume(mounted);
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

  it('whose command the API server refuses shows the token nowhere in the error', async () => {
    const token = await provider.getToken();
    // Who may view may not create pods/exec.
    const refusal = (config: KubeConfig) =>
      new Exec(config).exec('default', 'viewer', 'main', ['ls'], null, null, null, false).then(
        () => undefined,
        (error: { message: string }) => error,
      );
    const error = await refusal(kubeConfig);
    expect(error?.message).toContain('403');
    for (const piece of [token, ...token.split('.')]) expectNowhere(error, piece);
    const bare = new KubeConfig();
    bare.loadFromClusterAndUser(kubeConfig.getCurrentCluster()!, { name: 'bare', token });
    const bareError = await refusal(bare);
    expect(() => expectNowhere(bareError, token)).toThrow('The token is at');
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

describe('The volume that every pod has', () => {
  it('holds the token, the CA of the cluster and the namespace of the pod', async () => {
    await using found = await ProjectedTokenProvider.open({ path: directory });
    expect(found.current).toMatchObject({
      namespace: readFileSync(join(directory, 'namespace'), 'utf8'),
      serviceAccount: { name: 'viewer' },
      audiences: [cluster.origin],
    });
    expect(readFileSync(join(directory, 'ca.crt'), 'utf8')).toBe(cluster.ca);
  });

  it('has its CA rotated, both authorities in between: lists and verifications go on without a failure', async () => {
    const ca = join(directory, 'ca.crt');
    await cluster.bindClusterRole('system:auth-delegator', 'default', 'viewer');
    const options = { issuer: cluster.origin, audience: 'orders', apiServer: cluster.origin, ca };
    const verifier = createTokenVerifier({ ...options, method: 'token-review', bearer: () => provider.getToken() });
    const api = kubeConfig.makeApiClient(CoreV1Api);
    const [before, failures] = [cluster.ca, [] as unknown[]];
    let [requests, isOver] = [0, false];
    const repeat = async (send: () => Promise<unknown>) => {
      while (!isOver) {
        await send().catch((error: unknown) => failures.push(error));
        requests++;
        await pause(20);
      }
    };
    const tokens = await Promise.all(
      Array.from({ length: 3 }, () => cluster.createToken('default', 'default', { audiences: ['orders'] })),
    );
    const load = [
      repeat(() => api.listNamespacedPod({ namespace: 'default' })),
      // Each token is reviewed again after 10 s, and the connection is another one whenever the file is.
      ...tokens.map((token) => repeat(() => verifier.verify(token))),
    ];
    const publish = async (certificates: string) => {
      await cluster.admin.ask('PUT', ROOT_CA, {
        metadata: { name: 'kube-root-ca.crt' },
        data: { 'ca.crt': certificates },
      });
      await expect.poll(() => readFileSync(ca, 'utf8')).toBe(certificates);
      const enough = requests + 40;
      await expect.poll(() => requests).toBeGreaterThan(enough);
    };
    const after = cluster.apiServer.nextCa;
    await publish(before + after);
    await cluster.kubelet.trust(before + after);
    await cluster.kubelet.restart();
    await cluster.apiServer.rotateCertificate();
    await publish(after);
    // Until every token has been reviewed once more, by a connection that trusts the new authority only.
    await pause(10_500);
    isOver = true;
    await Promise.all(load);
    console.log(`the CA of the API server rotated: ${requests} lists and verifications, ${failures.length} failed`);
    expect(failures).toEqual([]);
  });
});
