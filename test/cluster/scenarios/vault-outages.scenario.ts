import { writeFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import type { ProjectedTokenProvider } from 'projected-token';
import { VaultTokenProvider } from 'projected-token/vault';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { nextEvent } from '../../helpers/vault-scene.js';
import type { Cluster } from '../harness/cluster.js';
import { type KubernetesAuth, startKubernetesAuth } from '../harness/kubernetes-auth.js';
import type { OpenBaoOptions } from '../harness/open-bao.js';
import { RequestLoad } from '../harness/request-load.js';
import { VaultPod } from '../harness/vault-pod.js';

const ROLE = { serviceAccounts: ['app'], namespaces: ['demo'], audience: 'vault' };

let pod: VaultPod;
let cluster: Cluster;
let source: ProjectedTokenProvider;

beforeAll(async () => {
  pod = await VaultPod.start();
  ({ cluster, source } = pod);
});
afterAll(async () => {
  await pod?.[Symbol.asyncDispose]();
});

async function start(ttlSeconds: number, options: OpenBaoOptions = {}): Promise<KubernetesAuth> {
  const vault = await startKubernetesAuth(cluster, options);
  onTestFinished(() => vault.bao[Symbol.asyncDispose]());
  await vault.setRole('app', { ...ROLE, ttlSeconds });
  return vault;
}

async function underLoad(vault: KubernetesAuth) {
  const url = vault.bao.address;
  const provider = await VaultTokenProvider.open({ address: url, role: 'app', source });
  const load = new RequestLoad(`${url}/v1/secret/data/shop`, provider);
  onTestFinished(async () => {
    await load.stop();
    await provider.close();
  });
  await load.through(20);
  return { provider, load };
}

describe('OpenBao', () => {
  it('sealed and unsealed serves again at once those whose token lives', async () => {
    const vault = await start(600);
    const { load } = await underLoad(vault);
    await vault.bao.seal();
    await pause(5000);
    await vault.bao.unseal();
    const wellAgain = performance.now();
    await load.through(100);
    await load.stop();
    console.log(
      `${load.summary('sealed for 5 s')}, ${load.failuresSince(wellAgain).length} of them after the unsealing`,
    );
    expect(load.failuresSince(wellAgain)).toEqual([]);
  });

  it('sealed for longer than the token lives is logged in to soon after, in proportion to the outage', async () => {
    const vault = await start(2);
    const { provider, load } = await underLoad(vault);
    const expired = nextEvent(provider, 'expired');
    const sealedAt = performance.now();
    await vault.bao.seal();
    await expired;
    await pause(4000);
    const loggedIn = nextEvent(provider, 'login');
    await vault.bao.unseal();
    const wellAgain = performance.now();
    await loggedIn;
    const back = performance.now() - wellAgain;
    await load.through(40);
    await load.stop();
    console.log(
      `${load.summary('sealed past the life of the token')}; a login ${Math.round(back)} ms after the unsealing`,
    );
    // A quarter of the outage, or a second where that is more; the rest is for a busy machine.
    expect(back).toBeLessThan(Math.max(1000, (wellAgain - sealedAt) / 4) + 2000);
    expect(load.failuresSince(wellAgain + back + 100)).toEqual([]);
  });

  it('killed, started and unsealed serves again at once', async () => {
    const vault = await start(600);
    const { load } = await underLoad(vault);
    const [node] = vault.bao.nodes;
    await node!.kill();
    await pause(1000);
    await node!.start();
    await vault.bao.unseal();
    const wellAgain = performance.now();
    await load.through(100);
    await load.stop();
    console.log(
      `${load.summary('killed and restarted')}, ${load.failuresSince(wellAgain).length} of them after the restart`,
    );
    expect(load.failuresSince(wellAgain)).toEqual([]);
  });

  it('over TLS, whose certificate and authority are replaced, is trusted by the file that "ca" names', async () => {
    const vault = await start(3, { tls: true });
    const ca = cluster.file('vault-ca.crt');
    await writeFile(ca, vault.bao.ca!);
    await using provider = await VaultTokenProvider.open({ address: vault.bao.address, role: 'app', source, ca });
    await nextEvent(provider, 'renewed');
    await vault.bao.nodes[0]!.rotateCertificate();
    await writeFile(ca, vault.bao.ca!);
    const { failures } = provider.status.counts;
    await nextEvent(provider, 'renewed');
    await nextEvent(provider, 'renewed');
    expect(provider.status.counts).toMatchObject({ logins: 1 });
    // The one that may have been under way when the files changed.
    expect(provider.status.counts.failures - failures).toBeLessThanOrEqual(1);
    expect(provider.status.lastError).toBeUndefined();
  });
});
