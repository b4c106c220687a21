import { chmodSync, existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ProjectedTokenProvider } from 'projected-token';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { nextEvent, recordEvents } from '../../helpers/provider-events.js';
import { type Cluster, type ClusterPod, startCluster } from '../harness/cluster.js';
import { runAsUser } from '../harness/command-line.js';
import { podWith, readmePod, tokenSource } from '../harness/manifests.js';
import { RequestLoad } from '../harness/request-load.js';
import { reviewCachesEmpty } from '../harness/review-caches.js';
import { startStrictService } from '../harness/strict-service.js';

let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster();
  await cluster.addServiceAccount('default', 'build-robot');
});
afterAll(() => cluster?.[Symbol.asyncDispose]());

async function open(path: string, audience: string): Promise<ProjectedTokenProvider> {
  const provider = await ProjectedTokenProvider.open({ path, audience });
  onTestFinished(() => provider.close());
  return provider;
}

/** Resolves once the file is there, and is another than `before`. */
async function fileOtherThan(path: string, before?: string): Promise<string> {
  await expect
    .poll(() => (existsSync(path) ? readFileSync(path, 'utf8') : undefined), { timeout: 60_000 })
    .not.toBe(before);
  return readFileSync(path, 'utf8');
}

/** Lets other users reach a volume: in a pod it is mounted where they can, and here it lies in directories of root. */
function openToOthers(path: string): void {
  for (let directory = dirname(path); directory !== '/'; directory = dirname(directory)) {
    if ((statSync(directory).mode & 0o1) === 0) chmodSync(directory, statSync(directory).mode | 0o11);
  }
}

async function delayUntilGone(pod: ClusterPod): Promise<void> {
  await expect
    .poll(async () => (await cluster.admin.send('GET', `/api/v1/namespaces/default/pods/${pod.name}`)).status, {
      timeout: 60_000,
    })
    .toBe(404);
}

describe("The README's pod", () => {
  it('gets its volume, and a provider that knows pod, node and namespace; ten rotations under load fail no request', async () => {
    const pod = await cluster.createPod(readmePod());
    const file = join(pod.volume('vault-token'), 'vault-token');
    // The volume is not there yet: the provider waits for it.
    const provider = await open(file, 'vault');
    expect(provider.current).toMatchObject({
      namespace: 'default',
      serviceAccount: { name: 'build-robot' },
      pod: { name: 'shop', uid: pod.uid },
      node: { name: 'node-1' },
      issuer: cluster.origin,
      audiences: ['vault'],
    });
    await using service = await startStrictService(file);
    const load = new RequestLoad(service.url, provider);
    onTestFinished(() => load.stop());
    for (let rotation = 0; rotation < 10; rotation++) {
      const before = await fileOtherThan(file);
      const rotated = nextEvent(provider, 'rotated');
      await load.through(20);
      await cluster.kubelet.restart();
      await fileOtherThan(file, before);
      await rotated;
    }
    await load.through(20);
    await load.stop();
    console.log(`${load.summary('10 rotations of a volume')}, ${service.rejected()} rejected at first`);
    expect(load.failures).toEqual([]);
    expect(load.requests).toBeGreaterThan(200);
  });

  it('is deleted: the volume is gone, the token is invalid, and the provider tells so', async () => {
    const pod = await cluster.createPod(podWith('goner', [tokenSource('token', 'vault')]));
    const file = join(pod.volume('tokens'), 'token');
    const provider = await open(file, 'vault');
    const told = recordEvents(provider);
    const token = await provider.getToken();
    const rejected = nextEvent(provider, 'rejected');
    await cluster.deletePod(pod);
    await delayUntilGone(pod);
    const { error } = await rejected;
    expect(error.code).toBe('ERR_TOKEN_NOT_FOUND');
    // Nothing says that the token is not good, and the program may have something to finish.
    expect(await provider.getToken()).toBe(token);
    expect(provider.status).toMatchObject({ state: 'ready', lastError: { code: 'ERR_TOKEN_NOT_FOUND' } });
    await reviewCachesEmpty();
    const spec = { token, audiences: ['vault'] };
    const { status } = await cluster.admin.ask('POST', '/apis/authentication.k8s.io/v1/tokenreviews', { spec });
    expect(status.error).toBe('[invalid bearer token, service account token has been invalidated]');
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 601_000 });
    onTestFinished(() => void vi.useRealTimers());
    expect(provider.status.state).toBe('expired');
    await expect(provider.getToken()).rejects.toMatchObject({ code: 'ERR_TOKEN_EXPIRED' });
    expect(told).toEqual(expect.arrayContaining(['rejected', 'expired']));
    expect(told).not.toContain('rotated');
  });
});

describe('A volume', () => {
  it('with several sources and nested paths holds a token for each', async () => {
    const sources = [
      tokenSource('vault/token', 'vault'),
      tokenSource('billing/deep/token', 'billing', 3600),
      { downwardAPI: { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.name' } }] } },
    ];
    const pod = await cluster.createPod(podWith('several', sources));
    const directory = pod.volume('tokens');
    const [vault, billing] = await Promise.all([
      open(join(directory, 'vault/token'), 'vault'),
      open(join(directory, 'billing/deep/token'), 'billing'),
    ]);
    expect([vault.current?.audiences, billing.current?.audiences]).toEqual([['vault'], ['billing']]);
    const rotations = [nextEvent(vault, 'rotated'), nextEvent(billing, 'rotated')];
    await cluster.kubelet.restart();
    await Promise.all(rotations);
  });

  it('of a pod with an extended token is refreshed by "warnafter", long before it expires', async () => {
    const extended = { serviceAccountToken: { path: 'token', expirationSeconds: 3607 } };
    const pod = await cluster.createPod(podWith('extended', [extended]));
    const provider = await open(join(pod.volume('tokens'), 'token'), cluster.origin);
    const { issuedAt, warnAfter, refreshAt, expiresAt } = provider.current!;
    const since = (date: Date | undefined) => (date!.getTime() - issuedAt!.getTime()) / 1000;
    expect([since(warnAfter), since(expiresAt)]).toEqual([3607, 365 * 24 * 3600]);
    expect(since(refreshAt)).toBeLessThan(3607);
  });

  it.each([
    ['fsGroup', { fsGroup: 2000 }, { uid: 1234, gid: 2000 }, { mode: 0o640, uid: 0, gid: 2000 }],
    ['runAsUser', { runAsUser: 1234 }, { uid: 1234, gid: 1234 }, { mode: 0o600, uid: 1234, gid: 0 }],
    ['both', { runAsUser: 1234, fsGroup: 2000 }, { uid: 1234, gid: 1234 }, { mode: 0o640, uid: 1234, gid: 2000 }],
  ])(
    'with %s is read by the command line as that user, and by no other',
    async (name, securityContext, user, owner) => {
      const podName = name.toLowerCase();
      const pod = await cluster.createPod(podWith(podName, [tokenSource('token', 'vault')], { securityContext }));
      const file = join(pod.volume('tokens'), 'token');
      await fileOtherThan(file);
      const { mode, uid, gid } = statSync(file);
      expect({ mode: mode & 0o777, uid, gid }).toEqual(owner);
      openToOthers(file);
      const inspected = await runAsUser(user, ['inspect', file, '--json']);
      expect(inspected.stderr).toBe('');
      expect(JSON.parse(inspected.stdout)).toMatchObject({
        findings: [],
        token: { pod: { name: podName, uid: pod.uid } },
      });
      expect(inspected.code).toBe(0);
      const other = await runAsUser({ uid: 4321, gid: 4321 }, ['inspect', file]);
      expect(other.code).toBe(1);
      expect(other.stdout).toContain('ERR_TOKEN_NOT_READABLE');
      expect(other.stdout).toContain(`uid ${uid}`);
    },
  );
});
