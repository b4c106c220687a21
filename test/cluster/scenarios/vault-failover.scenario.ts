import { setTimeout as pause } from 'node:timers/promises';
import type { ProjectedTokenProvider } from 'projected-token';
import { VaultTokenProvider } from 'projected-token/vault';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { nextEvent, recordEvents } from '../../helpers/vault-scene.js';
import { type KubernetesAuth, startKubernetesAuth } from '../harness/kubernetes-auth.js';
import { LoadBalancer } from '../harness/load-balancer.js';
import { RequestLoad } from '../harness/request-load.js';
import { VaultPod } from '../harness/vault-pod.js';

let pod: VaultPod;
let vault: KubernetesAuth;
let source: ProjectedTokenProvider;

beforeAll(async () => {
  pod = await VaultPod.start();
  source = pod.source;
  vault = await startKubernetesAuth(pod.cluster, { nodes: 3 });
  // A third of the TTL is left when it is renewed: more than three nodes take to find a leader, on a busy machine too.
  const role = { serviceAccounts: ['app'], namespaces: ['demo'], audience: 'vault', ttlSeconds: 30 };
  await vault.setRole('app', role);
});
afterAll(async () => {
  await vault?.bao[Symbol.asyncDispose]();
  await pod?.[Symbol.asyncDispose]();
});

async function underLoad(address: string) {
  const origins = vault.bao.nodes.map((node) => node.address);
  const provider = await VaultTokenProvider.open({ address, origins, role: 'app', source });
  const load = new RequestLoad(`${address}/v1/secret/data/shop`, provider);
  onTestFinished(async () => {
    await load.stop();
    await provider.close();
  });
  await load.through(20);
  return { address, provider, load, told: recordEvents(provider) };
}

describe('Three nodes of OpenBao', () => {
  it('lose the leader as a token is to be renewed: a standby goes on serving, a load balancer follows, nobody logs in again', async () => {
    const [leader, standby] = vault.bao.nodes;
    await using balancer = await LoadBalancer.start(vault.bao.nodes);
    const ways = [await underLoad(standby!.address), await underLoad(balancer.address)];
    const [atStandby, balanced] = ways as [(typeof ways)[0], (typeof ways)[0]];
    const dueAt = Math.min(...ways.map(({ provider }) => provider.status.nextAttemptAt!.getTime()));
    await pause(dueAt - Date.now() - 100);
    const renewals = ways.map(({ provider }) => nextEvent(provider, 'renewed'));
    const killedAt = performance.now();
    await leader!.kill();
    // A program that starts just now.
    const address = standby!.address;
    const origins = vault.bao.nodes.map((node) => node.address);
    const opening = VaultTokenProvider.open({ address, origins, role: 'app', source });
    await expect.poll(() => balancer.active ?? leader, { interval: 20 }).not.toBe(leader);
    const wellAgain = performance.now();
    await using late = await opening;
    expect(late.status.state).toBe('ready');
    await Promise.all(renewals);
    for (const { load } of ways) {
      await load.through(100);
      await load.stop();
    }
    const seconds = ((wellAgain - killedAt) / 1000).toFixed(1);
    console.log(atStandby.load.summary('three nodes, the leader killed, requests to a standby'));
    console.log(balanced.load.summary(`the same through a load balancer, which had no node for ${seconds} s`));
    expect(atStandby.load.failures).toEqual([]);
    expect(balanced.load.failuresSince(wellAgain)).toEqual([]);
    expect(balanced.load.failures.every(({ sentAtMs }) => sentAtMs > killedAt - 1000)).toBe(true);
    // A renewal that was due in between failed and followed: it was made again, and no token was lost.
    expect(ways.flatMap(({ told }) => told.names)).toContain('error');
    for (const { provider } of ways) expect(provider.status).toMatchObject({ state: 'ready', counts: { logins: 1 } });
  });
});
