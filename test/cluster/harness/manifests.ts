import { readFileSync } from 'node:fs';
import { loadYaml } from '@kubernetes/client-node';
import type { Manifest } from './cluster.js';

/** The pod whose volume the README shows, as a user copies it. */
export function readmePod(): Manifest {
  return loadYaml<Manifest>(readFileSync(new URL('../../../examples/manifests/pod.yaml', import.meta.url), 'utf8'));
}

/** A pod with a projected volume `tokens` of these sources. */
export function podWith(
  name: string,
  sources: readonly object[],
  { namespace = 'default', serviceAccount = 'default', securityContext = {} } = {},
): Manifest {
  return {
    metadata: { name, namespace },
    spec: {
      serviceAccountName: serviceAccount,
      securityContext,
      containers: [
        { name: 'main', image: 'none', volumeMounts: [{ name: 'tokens', mountPath: '/var/run/secrets/tokens' }] },
      ],
      volumes: [{ name: 'tokens', projected: { sources } }],
    },
  };
}

/** A source of a projected volume: a token. */
export function tokenSource(path: string, audience: string, expirationSeconds = 600): object {
  return { serviceAccountToken: { path, audience, expirationSeconds } };
}
