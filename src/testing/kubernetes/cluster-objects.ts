import { randomUUID } from 'node:crypto';
import { badRequest, conflict, notFound } from './kubernetes-status.js';

/** An object as a token refers to it. */
export interface Reference {
  readonly name: string;
  readonly uid: string;
}

/** A pod, as far as tokens depend on it. */
export interface ClusterPod extends Reference {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly node?: Reference;
  /** `metadata.deletionTimestamp` while it terminates. */
  deletionTimestamp?: Date;
}

/** The field `spec.boundObjectRef` of a TokenRequest: the object whose end is the end of the token. */
export interface BoundObjectReference {
  /** `Pod`, `Secret` or `Node`. */
  readonly kind?: string;
  readonly apiVersion?: string;
  readonly name?: string;
  readonly uid?: string;
}

/** What a token is bound to: a pod with its node, a secret, a node, or nothing. */
export interface BoundObjects {
  readonly pod?: ClusterPod;
  readonly node?: Reference;
  readonly secret?: Reference;
}

/** The objects of a cluster that tokens depend on. A namespace is there as soon as something is in it. */
export class ClusterObjects {
  readonly #serviceAccounts = new Map<string, Reference>();
  readonly #pods = new Map<string, ClusterPod>();
  readonly #secrets = new Map<string, Reference>();
  readonly #nodes = new Map<string, Reference>();
  readonly #namespaces = new Set<string>();

  /** Adds a service account, or replaces it by a new one of the same name. */
  addServiceAccount(namespace: string, name: string): Reference {
    return this.#add(this.#serviceAccounts, namespace, name);
  }

  /** Adds a secret, or replaces it by a new one of the same name. */
  addSecret(namespace: string, name: string): Reference {
    return this.#add(this.#secrets, namespace, name);
  }

  /** Adds a node, or replaces it by a new one of the same name. */
  addNode(name: string): Reference {
    const node = { name, uid: randomUUID() };
    this.#nodes.set(name, node);
    return node;
  }

  /** Adds a pod, or replaces it by a new one of the same name. Adds its node if that is missing. */
  addPod(options: { namespace: string; name: string; serviceAccount: string; node?: string }): ClusterPod {
    const { namespace, name, serviceAccount, node } = options;
    const runsOn = node === undefined ? undefined : (this.#nodes.get(node) ?? this.addNode(node));
    const pod = { namespace, name, uid: randomUUID(), serviceAccount, ...(runsOn && { node: runsOn }) };
    this.#namespaces.add(namespace);
    this.#pods.set(`${namespace}/${name}`, pod);
    return pod;
  }

  deleteServiceAccount(namespace: string, name: string): void {
    this.#serviceAccounts.delete(`${namespace}/${name}`);
  }

  deletePod(namespace: string, name: string): void {
    this.#pods.delete(`${namespace}/${name}`);
  }

  deleteSecret(namespace: string, name: string): void {
    this.#secrets.delete(`${namespace}/${name}`);
  }

  deleteNode(name: string): void {
    this.#nodes.delete(name);
  }

  hasNamespace(name: string): boolean {
    return this.#namespaces.has(name);
  }

  serviceAccount(namespace: string, name: string): Reference | undefined {
    return this.#serviceAccounts.get(`${namespace}/${name}`);
  }

  pod(namespace: string, name: string): ClusterPod | undefined {
    return this.#pods.get(`${namespace}/${name}`);
  }

  secret(namespace: string, name: string): Reference | undefined {
    return this.#secrets.get(`${namespace}/${name}`);
  }

  node(name: string): Reference | undefined {
    return this.#nodes.get(name);
  }

  podsOf(namespace: string): ClusterPod[] {
    return [...this.#pods.values()].filter((pod) => pod.namespace === namespace);
  }

  /**
   * Finds what a token shall be bound to, as TokenREST.Create of pkg/registry/core/serviceaccount/storage/token.go does.
   *
   * @param serviceAccount - whose token it will be
   * @throws {KubernetesStatusError} 400, 404 or 409
   */
  bind(namespace: string, serviceAccount: string, reference: BoundObjectReference | undefined | null): BoundObjects {
    if (reference === undefined || reference === null) return {};
    const { kind = '', apiVersion = '', name = '' } = reference;
    switch (apiVersion.includes('/') ? '' : kind) {
      case 'Pod': {
        const pod = found(this.pod(namespace, name), 'pods', name);
        if (pod.serviceAccount !== serviceAccount) {
          throw badRequest(
            `cannot bind token for serviceaccount "${serviceAccount}" to pod running with different serviceaccount name.`,
          );
        }
        expectUid(reference, pod);
        return { pod, ...(pod.node && { node: pod.node }) };
      }
      case 'Node': {
        const node = found(this.node(name), 'nodes', name);
        expectUid(reference, node);
        return { node };
      }
      case 'Secret': {
        const secret = found(this.secret(namespace, name), 'secrets', name);
        expectUid(reference, secret);
        return { secret };
      }
    }
    const groupVersion = apiVersion.includes('/') ? apiVersion : `/${apiVersion}`;
    throw badRequest(`cannot bind token to object of type ${groupVersion}, Kind=${kind}`);
  }

  #add(objects: Map<string, Reference>, namespace: string, name: string): Reference {
    const object = { name, uid: randomUUID() };
    this.#namespaces.add(namespace);
    objects.set(`${namespace}/${name}`, object);
    return object;
  }
}

function found<T>(object: T | undefined, kind: string, name: string): T {
  if (object === undefined) throw notFound(kind, name);
  return object;
}

function expectUid({ kind = '', name = '', uid = '' }: BoundObjectReference, object: Reference): void {
  if (uid === '' || uid === object.uid) return;
  const why = `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`;
  throw conflict(kind, name, why);
}
