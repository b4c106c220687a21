import { KubeConfig } from '@kubernetes/client-node';
import { TokenRequestProvider, type TokenRequestProviderOptions } from 'projected-token/kubernetes';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, startCluster } from '../harness/cluster.js';

let cluster: Cluster;
let kubeConfig: KubeConfig;

beforeAll(async () => {
  cluster = await startCluster({ nodes: 0, apiServerFlags: ['--service-account-max-token-expiration=1h'] });
  await cluster.addNamespace('ci');
  await cluster.addNamespace('shop');
  for (const [namespace, name] of [
    ['ci', 'robot'],
    ['shop', 'app'],
  ] as const) {
    await cluster.addServiceAccount(namespace, name);
  }
  await cluster.allowTokenRequests('ci', 'robot');
  kubeConfig = configOf(await cluster.createToken('ci', 'robot'));
});
afterAll(() => cluster?.[Symbol.asyncDispose]());

function configOf(token: string): KubeConfig {
  const config = new KubeConfig();
  const caData = Buffer.from(cluster.ca).toString('base64');
  config.loadFromClusterAndUser(
    { name: 'real', server: cluster.origin, caData, skipTLSVerify: false },
    { name: 'robot', token },
  );
  return config;
}

const open = (options: Partial<TokenRequestProviderOptions> = {}) =>
  TokenRequestProvider.open({ namespace: 'shop', serviceAccount: 'app', kubeConfig, readyTimeoutMs: 0, ...options });

describe('A token that is requested', () => {
  it('is for the audiences and the lifetime that were asked for, up to the maximum of the API server', async () => {
    await using provider = await open({ audiences: ['vault'], expirationSeconds: 7200 });
    const token = await provider.getToken();
    const spec = { token, audiences: ['vault'] };
    const { status } = await cluster.admin.ask('POST', '/apis/authentication.k8s.io/v1/tokenreviews', { spec });
    expect(status.user.username).toBe('system:serviceaccount:shop:app');
    const { obtainedAt, expiresAt } = provider.status.token!;
    // An hour, less the 10 s in which it is not handed out any more.
    expect(Math.round((expiresAt.getTime() - obtainedAt.getTime()) / 1000)).toBeLessThanOrEqual(3600);
    expect(Math.round((expiresAt.getTime() - obtainedAt.getTime()) / 1000)).toBeGreaterThan(3500);
  });
});

describe('What an API server says is wrong', () => {
  // Each looked at by a person once: it says what happened, and what to change.
  it('is in the message of the error', async () => {
    const nobody = configOf(await cluster.createToken('shop', 'app'));
    const refused: [options: Partial<TokenRequestProviderOptions>, code: string, says: string][] = [
      [{ serviceAccount: 'gone' }, 'ERR_EXCHANGE_INVALID', 'serviceaccounts "gone" not found'],
      [{ namespace: 'absent' }, 'ERR_EXCHANGE_INVALID', 'namespaces "absent" not found'],
      [
        { kubeConfig: nobody },
        'ERR_EXCHANGE_DENIED',
        'serviceaccounts "app" is forbidden: User "system:serviceaccount:shop:app" cannot create resource "serviceaccounts/token" in API group "" in the namespace "shop"',
      ],
      [{ kubeConfig: configOf('a.b.c') }, 'ERR_EXCHANGE_DENIED', '401'],
    ];
    for (const [options, code, says] of refused) {
      const error = await open(options).then(
        () => undefined,
        (reason: Error) => reason,
      );
      expect(error).toMatchObject({ code, message: expect.stringContaining(says) });
      console.log(`${code}: ${error!.message}`);
    }
  });
});
