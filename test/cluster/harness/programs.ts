import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { KUBERNETES_VERSION, OPENBAO_VERSION } from './versions.js';

const CACHE = fileURLToPath(new URL('../../../.cache/cluster', import.meta.url));

/** The programs of the parts: small ones, around what is Kubernetes' own. */
export const PARTS = fileURLToPath(new URL('../parts', import.meta.url));

/** Where the parts of one version of Kubernetes are built, and the module that builds them. Parts that change are built anew. */
export const KUBERNETES_CACHE = `${CACHE}/kubernetes-${KUBERNETES_VERSION}-${digestOfParts()}`;

/** A virtual environment of Python with one version of OpenBao. */
export const OPENBAO_CACHE = `${CACHE}/openbao-${OPENBAO_VERSION}`;

/** The programs that `npm run cluster` builds and installs. */
export const PROGRAMS = {
  etcd: `${KUBERNETES_CACHE}/bin/etcd`,
  apiserver: `${KUBERNETES_CACHE}/bin/apiserver`,
  kubectl: `${KUBERNETES_CACHE}/bin/kubectl`,
  kubelet: `${KUBERNETES_CACHE}/bin/kubelet`,
  bao: `${OPENBAO_CACHE}/bin/bao`,
} as const;

function digestOfParts(): string {
  const hash = createHash('sha256');
  for (const part of ['apiserver', 'etcd', 'kubectl', 'kubelet']) hash.update(readFileSync(`${PARTS}/${part}/main.go`));
  return hash.digest('hex').slice(0, 8);
}
