import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadYaml, type V1Deployment, type V1Pod, type V1PodSpec } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { DEFAULT_TOKEN_DIRECTORY } from '../../src/index.js';
import { REPOSITORY } from '../helpers/built-package.js';

const directory = join(REPOSITORY, 'examples', 'manifests');
const pods = ['pod.yaml', 'deployment.yaml'];

function podSpec(file: string): V1PodSpec {
  const text = readFileSync(join(directory, file), 'utf8');
  const manifest = loadYaml<V1Pod | V1Deployment>(text);
  const spec = 'containers' in manifest.spec! ? manifest.spec : (manifest as V1Deployment).spec!.template.spec;
  return spec as V1PodSpec;
}

describe.each(pods)('the manifest %s', (file) => {
  it('projects a token for an audience, to where the library looks for it', () => {
    const { containers, initContainers = [], volumes = [] } = podSpec(file);
    const source = volumes[0]?.projected?.sources?.[0]?.serviceAccountToken;
    expect(source).toMatchObject({ path: 'vault-token', audience: 'vault' });
    expect(source!.expirationSeconds).toBeGreaterThanOrEqual(600);
    for (const { volumeMounts } of [...containers, ...initContainers]) {
      expect(volumeMounts).toEqual([{ name: volumes[0]!.name, mountPath: DEFAULT_TOKEN_DIRECTORY, readOnly: true }]);
    }
  });

  it("is admitted by OpenShift's restricted security context constraint and by Kubernetes' restricted standard", () => {
    const { containers, initContainers = [], securityContext } = podSpec(file);
    expect(securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
    for (const container of [...containers, ...initContainers]) {
      expect(container.securityContext).toEqual({ allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } });
    }
  });
});

describe('the manifests', () => {
  it('are valid YAML with an API version and a kind', () => {
    for (const file of readdirSync(directory)) {
      const manifest = loadYaml<{ apiVersion: string; kind: string }>(readFileSync(join(directory, file), 'utf8'));
      expect(manifest, file).toMatchObject({
        apiVersion: expect.stringMatching(/\S/),
        kind: expect.stringMatching(/\S/),
      });
    }
  });
});
