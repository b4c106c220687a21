import { join } from 'node:path';
import { ProjectedTokenProvider } from 'projected-token';
import { type Cluster, startCluster } from './cluster.js';
import { podWith, tokenSource } from './manifests.js';

/** A cluster with a pod of the service account `demo/app`, and a provider that follows the pod's token for Vault. */
export class VaultPod implements AsyncDisposable {
  private constructor(
    readonly cluster: Cluster,
    readonly source: ProjectedTokenProvider,
  ) {}

  static async start(): Promise<VaultPod> {
    const cluster = await startCluster();
    await cluster.addNamespace('demo');
    await cluster.addServiceAccount('demo', 'app');
    const identity = { namespace: 'demo', serviceAccount: 'app' };
    const pod = await cluster.createPod(podWith('app', [tokenSource('token', 'vault')], identity));
    const path = join(pod.volume('tokens'), 'token');
    return new VaultPod(cluster, await ProjectedTokenProvider.open({ path, audience: 'vault' }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.source.close();
    await this.cluster[Symbol.asyncDispose]();
  }
}
