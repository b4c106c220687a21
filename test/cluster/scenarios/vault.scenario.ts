import { setTimeout as pause } from 'node:timers/promises';
import type { ProjectedTokenProvider } from 'projected-token';
import { withToken } from 'projected-token/fetch';
import type { EmbeddedVaultRole } from 'projected-token/testing';
import { VaultTokenProvider } from 'projected-token/vault';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { nextEvent, recordEvents } from '../../helpers/vault-scene.js';
import type { Cluster } from '../harness/cluster.js';
import { type KubernetesAuth, mountKubernetesAuth, startKubernetesAuth } from '../harness/kubernetes-auth.js';
import { nodeVaultClient } from '../harness/node-vault-client.js';
import { RequestLoad } from '../harness/request-load.js';
import { VaultPod } from '../harness/vault-pod.js';

const ROLE: EmbeddedVaultRole = { serviceAccounts: ['app'], namespaces: ['demo'], audience: 'vault', ttlSeconds: 600 };

let pod: VaultPod;
let cluster: Cluster;
let vault: KubernetesAuth;
let source: ProjectedTokenProvider;

beforeAll(async () => {
  pod = await VaultPod.start();
  ({ cluster, source } = pod);
  vault = await startKubernetesAuth(cluster);
});
afterAll(async () => {
  await vault?.bao[Symbol.asyncDispose]();
  await pod?.[Symbol.asyncDispose]();
});

/** A provider of a role of its own, and requests for a secret with its tokens, under way until the test is over. */
async function underLoad(name: string, role: Partial<EmbeddedVaultRole> = {}) {
  await vault.setRole(name, { ...ROLE, ...role });
  const provider = await VaultTokenProvider.open({ address: vault.bao.address, role: name, source });
  const clients = { 'node-vault': nodeVaultClient(vault.bao.address, provider) };
  const load = new RequestLoad(`${vault.bao.address}/v1/secret/data/shop`, provider, { clients });
  onTestFinished(async () => {
    await load.stop();
    await provider.close();
  });
  await load.through(20);
  return { provider, load, told: recordEvents(provider) };
}

/** Lets some more requests through; not one may have failed, at no time. */
async function expectNoFailure(name: string, load: RequestLoad): Promise<void> {
  await load.through(40);
  await load.stop();
  console.log(load.summary(name));
  expect(load.failures).toEqual([]);
}

async function until(isSo: () => boolean): Promise<void> {
  await expect.poll(isSo, { timeout: 60_000 }).toBe(true);
}

describe('No request fails while a Vault token', () => {
  it('is renewed', async () => {
    const { provider, load } = await underLoad('renewed', { ttlSeconds: 3 });
    await until(() => provider.status.counts.renewals >= 4);
    expect(provider.status.counts).toMatchObject({ logins: 1, failures: 0 });
    await expectNoFailure('renewed 4 times', load);
  });

  it('reaches its maximum TTL', async () => {
    const { provider, load } = await underLoad('at-max-ttl', { ttlSeconds: 4, maxTtlSeconds: 6 });
    await until(() => provider.status.counts.logins >= 3);
    await expectNoFailure('maximum TTL reached, 3 logins', load);
  });

  it('is past its maximum TTL, since that was lowered', async () => {
    const { provider, load, told } = await underLoad('lowered', { ttlSeconds: 8 });
    await pause(3100);
    await vault.setRole('lowered', { ...ROLE, ttlSeconds: 4, maxTtlSeconds: 4 });
    await until(() => provider.status.counts.logins === 2);
    expect(told.names).not.toContain('error');
    await expectNoFailure('maximum TTL lowered', load);
  });

  it('is of a role that was deleted for a while', async () => {
    const { provider, load } = await underLoad('deleted', { ttlSeconds: 20 });
    await vault.setRole('deleted', undefined);
    const error = await nextEvent(provider, 'error');
    expect(error).toMatchObject({ code: 'ERR_EXCHANGE_INVALID' });
    expect(error.message).toContain('invalid role name "deleted"');
    await vault.setRole('deleted', { ...ROLE, ttlSeconds: 20 });
    await nextEvent(provider, 'renewed');
    await expectNoFailure('role deleted for a while', load);
  });

  it('is revoked', async () => {
    const { provider, load } = await underLoad('revoked');
    const loggedIn = nextEvent(provider, 'login');
    const token = await provider.getToken();
    await vault.bao.root.ask('POST', '/v1/auth/token/revoke', { token });
    await loggedIn;
    expect(await provider.getToken()).not.toBe(token);
    await expectNoFailure('token revoked', load);
  });

  it('may not renew itself or look itself up', async () => {
    const { provider, load } = await underLoad('no-default', { ttlSeconds: 4, noDefaultPolicy: true });
    await until(() => provider.status.counts.logins >= 3);
    await expectNoFailure('no default policy', load);
  });

  it('is a batch token, or periodic', async () => {
    const batch = await underLoad('batch', { ttlSeconds: 4, tokenType: 'batch' });
    const periodic = await underLoad('periodic', { periodSeconds: 4 });
    await until(() => batch.provider.status.counts.logins >= 3 && periodic.provider.status.counts.renewals >= 2);
    expect(periodic.provider.status.counts.logins).toBe(1);
    await expectNoFailure('batch tokens', batch.load);
    await expectNoFailure('periodic tokens', periodic.load);
  });

  it('is renewed through rotations of the service account token', async () => {
    const { provider, load } = await underLoad('rotating', { ttlSeconds: 3 });
    for (let rotation = 0; rotation < 3; rotation++) {
      const rotated = new Promise((resolve) => source.once('rotated', resolve));
      await cluster.kubelet.restart();
      await rotated;
    }
    await until(() => provider.status.counts.renewals >= 3);
    expect(provider.status.counts.logins).toBe(1);
    await expectNoFailure('3 rotations of the service account token', load);
  });

  // OpenBao 2.7 reviews the service account token of the login again at each renewal.
  it.each([
    ['the reviewer has no right', (isWell: boolean) => vault.setReviewerAllowed(isWell)],
    ['the API server is down', (isWell: boolean) => (isWell ? cluster.apiServer.start() : cluster.apiServer.stop())],
  ])('can be neither renewed nor replaced for a while, as %s', async (what, setWell) => {
    const { provider, load } = await underLoad(what.replaceAll(' ', '-').toLowerCase(), { ttlSeconds: 24 });
    const lease = () => provider.status.token!.expiresAt!.getTime();
    const before = lease();
    await setWell(false);
    const error = await nextEvent(provider, 'error');
    expect(error).toMatchObject({ code: 'ERR_EXCHANGE_DENIED' });
    await setWell(true);
    await until(() => lease() > before);
    await expectNoFailure(what, load);
  });
});

describe('A namespace of Vault', () => {
  it('has the login, the renewals and the requests in it, and none of them fails', async () => {
    const namespace = 'team';
    const team = await mountKubernetesAuth(cluster, vault.bao, namespace);
    await team.setRole('shop', { ...ROLE, ttlSeconds: 3 });
    const { address } = vault.bao;
    const provider = await VaultTokenProvider.open({ address, namespace, role: 'shop', source });
    const load = new RequestLoad(`${address}/v1/${namespace}/secret/data/shop`, provider);
    onTestFinished(async () => {
      await load.stop();
      await provider.close();
    });
    await until(() => provider.status.counts.renewals >= 3);
    expect(provider.status.counts).toMatchObject({ logins: 1, failures: 0 });
    await expectNoFailure('in a namespace, renewed 3 times', load);
    // Without the namespace it is the policy that denies: the token is good, and is not replaced.
    const response = await withToken(fetch, provider, { origins: [address] })(`${address}/v1/secret/data/shop`);
    expect([response.status, provider.status.counts.logins]).toEqual([403, 1]);
  });

  it('that does not exist is named in the error of the login', async () => {
    const options = { address: vault.bao.address, namespace: 'none', role: 'shop', source };
    await expect(VaultTokenProvider.open(options)).rejects.toMatchObject({
      code: 'ERR_EXCHANGE_INVALID',
      message: expect.stringContaining('in the namespace "none": 404 (namespace not found)'),
    });
  });
});

describe('A limit of uses', () => {
  it('is told at the opening', async () => {
    await vault.setRole('limited', { ...ROLE, tokenNumUses: 5 });
    const opening = VaultTokenProvider.open({ address: vault.bao.address, role: 'limited', source });
    await expect(opening).rejects.toMatchObject({
      code: 'ERR_EXCHANGE_INVALID',
      message: expect.stringContaining('token_num_uses'),
    });
  });
});

describe('A denied login', () => {
  it('says what Vault says, and what to look at', async () => {
    await vault.setRole('denied', { ...ROLE, serviceAccounts: ['another'] });
    const open = (role: string) =>
      VaultTokenProvider.open({ address: vault.bao.address, role, source, readyTimeoutMs: 0 });
    await expect(open('denied')).rejects.toMatchObject({
      code: 'ERR_EXCHANGE_DENIED',
      message: expect.stringContaining('403 (service account name not authorized)'),
    });
    await expect(open('none')).rejects.toMatchObject({
      code: 'ERR_EXCHANGE_INVALID',
      message: expect.stringContaining('400 (invalid role name "none")'),
    });
  });

  it('while the reviewer has no right is tried again for as long as the opening may take', async () => {
    await vault.setRole('late', ROLE);
    await vault.setReviewerAllowed(false);
    const opening = VaultTokenProvider.open({ address: vault.bao.address, role: 'late', source });
    const allowed = pause(1500).then(() => vault.setReviewerAllowed(true));
    await using provider = await opening;
    await allowed;
    expect(provider.status.state).toBe('ready');
  });
});
