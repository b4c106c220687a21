import { fileURLToPath } from 'node:url';
import { KUBERNETES_VERSION, OPENBAO_VERSION } from './versions.js';

const CACHE = fileURLToPath(new URL('../../../.cache/cluster', import.meta.url));

/** Where the parts of one version of Kubernetes are built, and the module that builds them. */
export const KUBERNETES_CACHE = `${CACHE}/kubernetes-${KUBERNETES_VERSION}`;

/** A virtual environment of Python with one version of OpenBao. */
export const OPENBAO_CACHE = `${CACHE}/openbao-${OPENBAO_VERSION}`;

/** The programs that `npm run cluster` builds and installs. */
export const PROGRAMS = {
  etcd: `${KUBERNETES_CACHE}/bin/etcd`,
  apiserver: `${KUBERNETES_CACHE}/bin/apiserver`,
  kubelet: `${KUBERNETES_CACHE}/bin/kubelet`,
  bao: `${OPENBAO_CACHE}/bin/bao`,
} as const;
