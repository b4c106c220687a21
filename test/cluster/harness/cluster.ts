import type { JsonClient } from '../../helpers/json-client.js';
import { ApiServer } from './api-server.js';
import { Kubelet } from './kubelet.js';
import { RunDirectory } from './run-directory.js';

/** Options of {@link startCluster}. */
export interface ClusterOptions {
  /** How many nodes. @default 1 */
  readonly nodes?: number;
  /** Flags of kube-apiserver in addition, such as `--service-account-max-token-expiration=1h`. @default none */
  readonly apiServerFlags?: readonly string[];
}

/** What a TokenRequest asks for. */
export interface TokenSpec {
  readonly audiences?: readonly string[];
  readonly expirationSeconds?: number;
  readonly boundObjectRef?: Readonly<Record<string, string>>;
}

/** A pod that was created. */
export interface ClusterPod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /**
   * Directory in which the kubelet keeps the volume of that name: what a container has mounted.
   *
   * @param kind - Default: `projected`
   */
  volume(name: string, kind?: 'projected' | 'configmap'): string;
}

/** An object of the API, such as a pod, before it is created. */
export type Manifest = Readonly<Record<string, unknown>> & {
  readonly metadata: { readonly name: string; readonly namespace?: string };
};

/** A cluster of real parts on loopback: etcd, kube-apiserver and kubelets, each a process of its own. */
export class Cluster implements AsyncDisposable {
  private constructor(
    readonly apiServer: ApiServer,
    readonly kubelets: readonly Kubelet[],
    private readonly directory: RunDirectory,
  ) {}

  static async start({ nodes = 1, apiServerFlags = [] }: ClusterOptions): Promise<Cluster> {
    const directory = await RunDirectory.create();
    const nodeNames = Array.from({ length: nodes }, (_, index) => `node-${index + 1}`);
    const apiServer = await ApiServer.prepare(directory.join('api-server'), apiServerFlags, nodeNames);
    const kubelets: Kubelet[] = [];
    const cluster = new Cluster(apiServer, kubelets, directory);
    try {
      await apiServer.start();
      await cluster.addServiceAccount('default', 'default');
      for (const name of nodeNames) {
        const isRegistered = async () => (await apiServer.admin.send('GET', `/api/v1/nodes/${name}`)).status === 200;
        const token = apiServer.tokenOf(`system:node:${name}`);
        kubelets.push(await Kubelet.prepare(name, directory.join(name), apiServer, token, isRegistered));
      }
      await Promise.all(kubelets.map((kubelet) => kubelet.start()));
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  get origin(): string {
    return this.apiServer.origin;
  }

  get ca(): string {
    return this.apiServer.ca;
  }

  get admin(): JsonClient {
    return this.apiServer.admin;
  }

  /** The only node, or the first of several. */
  get kubelet(): Kubelet {
    return this.kubelets[0]!;
  }

  /** A path of the cluster's own temporary directory. */
  file(name: string): string {
    return this.directory.join(name);
  }

  async addNamespace(name: string): Promise<void> {
    await this.admin.ask('POST', '/api/v1/namespaces', { metadata: { name } });
    await this.addServiceAccount(name, 'default');
  }

  /** Creates a service account; resolves with its uid. */
  async addServiceAccount(namespace: string, name: string): Promise<string> {
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts`;
    return (await this.admin.ask('POST', path, { metadata: { name } })).metadata.uid;
  }

  async deleteServiceAccount(namespace: string, name: string): Promise<void> {
    await this.admin.ask('DELETE', `/api/v1/namespaces/${namespace}/serviceaccounts/${name}`);
  }

  /** Lets a service account do what a cluster role allows. */
  async bindClusterRole(role: string, namespace: string, serviceAccount: string): Promise<void> {
    await this.#bind(role, { kind: 'ServiceAccount', namespace, name: serviceAccount }, serviceAccount);
  }

  /** Lets somebody do what a cluster role allows. */
  async bindClusterRoleToUser(role: string, user: string): Promise<void> {
    await this.#bind(role, { kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: user }, user);
  }

  async #bind(role: string, subject: object, to: string): Promise<void> {
    await this.admin.ask('POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
      metadata: { name: `${role}:${to}` },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
      subjects: [subject],
    });
  }

  /** Lets a service account request tokens of every service account. */
  async allowTokenRequests(namespace: string, serviceAccount: string): Promise<void> {
    const rule = { apiGroups: [''], resources: ['serviceaccounts/token'], verbs: ['create'] };
    await this.addClusterRole('token-requests', rule);
    await this.bindClusterRole('token-requests', namespace, serviceAccount);
  }

  /** Creates a cluster role of one rule. */
  async addClusterRole(name: string, rule: object): Promise<void> {
    const path = '/apis/rbac.authorization.k8s.io/v1/clusterroles';
    await this.admin.ask('POST', path, { metadata: { name }, rules: [rule] });
  }

  /** Issues a token by a TokenRequest. */
  async createToken(namespace: string, serviceAccount: string, spec: TokenSpec = {}): Promise<string> {
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${serviceAccount}/token`;
    return (await this.admin.ask('POST', path, { spec })).status.token;
  }

  /** Creates a pod on a node, as a scheduler would; resolves once the kubelet has filled its projected volumes. */
  async createPod(manifest: Manifest, kubelet: Kubelet = this.kubelet): Promise<ClusterPod> {
    const namespace = manifest.metadata.namespace ?? 'default';
    const spec = { ...(manifest.spec as object), nodeName: kubelet.nodeName };
    const created = await this.admin.ask('POST', `/api/v1/namespaces/${namespace}/pods`, { ...manifest, spec });
    const { uid, name } = created.metadata;
    return {
      namespace,
      name,
      uid,
      volume: (volumeName, kind = 'projected') =>
        `${kubelet.podsDirectory}/${uid}/volumes/kubernetes.io~${kind}/${volumeName}`,
    };
  }

  /** Deletes a pod; its kubelet takes its time to end it. */
  async deletePod({ namespace, name }: ClusterPod, gracePeriodSeconds = 0): Promise<void> {
    await this.admin.ask('DELETE', `/api/v1/namespaces/${namespace}/pods/${name}`, { gracePeriodSeconds });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.kubelets.map((kubelet) => kubelet.kill()));
    await this.apiServer.end();
    await this.directory[Symbol.asyncDispose]();
  }
}

/** Starts a cluster of real parts on loopback. */
export function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  return Cluster.start(options);
}
