import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { CoreV1Api, KubeConfig, loadYaml, type V1PodSpec } from '@kubernetes/client-node';
import { ProjectedTokenProvider } from 'projected-token';
import { TokenRequestProvider, withToken } from 'projected-token/kubernetes';
import { withToken as withVaultToken } from 'projected-token/undici';
import { VaultTokenProvider } from 'projected-token/vault';
import { createTokenVerifier, requireToken } from 'projected-token/verify';
import { Agent } from 'undici';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { REPOSITORY } from '../../helpers/built-package.js';
import { codeBlocks, readPages } from '../../helpers/pages.js';
import { TlsFront } from '../../helpers/tls-front.js';
import { type Cluster, startCluster } from '../harness/cluster.js';
import { GuideShell } from '../harness/guide-shell.js';
import { podWith, tokenSource } from '../harness/manifests.js';
import { startOpenBao } from '../harness/open-bao.js';

let pages: Map<string, string>;

beforeAll(async () => {
  pages = await readPages();
});

/** The commands of a page, block by block. */
function commandsOf(page: string): string[] {
  return codeBlocks(pages.get(page)!, 'sh');
}

/** A cluster in which nothing has been done yet, and a shell. A guide begins there, with a namespace "shop". */
async function atTheBeginning(
  environment: Record<string, string> = {},
): Promise<{ cluster: Cluster; shell: GuideShell }> {
  const cluster = await startCluster();
  onTestFinished(() => cluster[Symbol.asyncDispose]());
  const shell = await GuideShell.start(cluster, environment);
  onTestFinished(() => shell[Symbol.asyncDispose]());
  return { cluster, shell };
}

/** A kube config as a pod has it, without a token. */
function kubeConfigOf({ origin, ca }: Cluster): KubeConfig {
  const config = new KubeConfig();
  const caData = Buffer.from(ca).toString('base64');
  config.loadFromClusterAndUser(
    { name: 'in-cluster', server: origin, caData, skipTLSVerify: false },
    { name: 'nobody' },
  );
  return config;
}

/** A token of a pod of that service account in the namespace "shop", for the API server. */
async function tokenInPod(cluster: Cluster, serviceAccount: string): Promise<ProjectedTokenProvider> {
  const sources = [tokenSource('token', cluster.origin)];
  const pod = await cluster.createPod(podWith(serviceAccount, sources, { namespace: 'shop', serviceAccount }));
  const provider = await ProjectedTokenProvider.open({ path: join(pod.volume('tokens'), 'token') });
  onTestFinished(() => provider.close());
  return provider;
}

describe('What the guides say, done step by step', () => {
  it('for Vault leads to a pod that reads its secret', async () => {
    const bao = await startOpenBao({ tls: true });
    onTestFinished(() => bao[Symbol.asyncDispose]());
    const environment = { VAULT_ADDR: bao.address, VAULT_CACERT: 'ca.crt', VAULT_TOKEN: bao.rootToken };
    const { cluster, shell } = await atTheBeginning(environment);
    await writeFile(shell.file('ca.crt'), bao.ca!);
    const [inKubernetes = '', inVault = '', secret = '', review = '', login = ''] = commandsOf('docs/vault.md');
    await shell.run(inKubernetes);
    // What the installer of Vault does. Vault runs outside of the cluster here, so it is told what it finds in its pod elsewhere.
    await shell.run('kubectl create namespace vault && kubectl -n vault create serviceaccount vault');
    await writeFile(shell.file('api-server.crt'), cluster.ca);
    await shell.run(inVault, {
      'kubernetes_host=https://kubernetes.default.svc': `kubernetes_host=${cluster.origin} kubernetes_ca_cert=@api-server.crt token_reviewer_jwt=$(kubectl -n vault create token vault)`,
    });
    // A mount of version 2 is upgraded in the background, and refuses writes until then.
    await expect.poll(() => shell.run(secret).then(() => 'written', String)).toBe('written');

    const [spec] = codeBlocks(pages.get('docs/vault.md')!, 'yaml').map((yaml) => loadYaml<V1PodSpec>(yaml));
    const containers = spec!.containers.map((container) => ({ ...container, image: 'none' }));
    const pod = await cluster.createPod({
      metadata: { name: 'shop', namespace: 'shop' },
      spec: { ...spec, containers },
    });
    const directory = pod.volume('vault-token');
    const source = await ProjectedTokenProvider.open({ path: join(directory, 'vault-token'), audience: 'vault' });
    onTestFinished(() => source.close());
    const inspected = await shell.run(`projected-token inspect ${directory} --audience vault`);
    expect(inspected).toContain('system:serviceaccount:shop:build-robot');

    const ca = join(pod.volume('vault-ca', 'configmap'), 'ca.crt');
    const options = { address: bao.address, role: 'shop', source, ca };
    const early = VaultTokenProvider.open({ ...options, readyTimeoutMs: 1000 });
    await expect(early).rejects.toMatchObject({ code: 'ERR_EXCHANGE_DENIED' });
    await shell.run(review);
    const vaultToken = await VaultTokenProvider.open(options);
    onTestFinished(() => vaultToken.close());
    expect(await shell.run(login, { '/var/run/secrets/tokens': directory })).toMatch(/^token_policies .*shop/m);

    const vault = withVaultToken(new Agent({ connect: { ca: bao.ca } }), vaultToken, { origins: [bao.address] });
    onTestFinished(() => vault.close());
    const { body } = await vault.request({ origin: bao.address, path: '/v1/secret/data/shop', method: 'GET' });
    expect(await body.json()).toMatchObject({ data: { data: { password: 'correct horse' } } });
  });

  it.each(['token-review', 'key-set'] as const)('from service to service leads to an answer, by %s', async (method) => {
    const { cluster, shell } = await atTheBeginning();
    const [accounts = '', review = '', call = ''] = commandsOf('docs/service-to-service.md');
    await shell.run(accounts);
    const token = (await shell.run('kubectl -n shop create token orders')).trim();
    const { origin: apiServer, ca } = cluster;
    const trust = { issuer: apiServer, apiServer, ca, bearer: () => token };
    const verifier = createTokenVerifier({ ...trust, audience: 'orders', method, serviceAccounts: ['shop/checkout'] });
    const middleware = requireToken(verifier);
    const server = createServer((request, response) => {
      void middleware(request, response, () => response.end('{"orders":[]}'));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close().closeAllConnections());
    const front = await TlsFront.start(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    onTestFinished(() => front.close());
    await writeFile(shell.file('ca.crt'), await readFile(front.caFile));
    const places = { 'https://orders.shop.svc': front.origin };

    if (method === 'token-review') {
      await expect(shell.run(call, places)).rejects.toThrow('curl: (22)');
      await shell.run(review);
    }
    await expect.poll(() => shell.run(call, places).catch(String)).toBe('{"orders":[]}');
    await expect(shell.run(call, { ...places, checkout: 'orders' })).rejects.toThrow('403');
  });

  it('for the Kubernetes API leads to a client that lists pods, and to tokens by TokenRequest', async () => {
    const { cluster, shell } = await atTheBeginning();
    const [rights = '', check = '', tokenRequests = ''] = commandsOf('docs/kubernetes-api.md');
    await shell.run(rights);
    expect(await shell.run(check)).toBe('yes\n');
    const client = withToken(kubeConfigOf(cluster), await tokenInPod(cluster, 'build-robot'));
    const { items } = await client.makeApiClient(CoreV1Api).listNamespacedPod({ namespace: 'shop' });
    expect(items.map(({ metadata }) => metadata?.name)).toEqual(['build-robot']);

    await shell.run(tokenRequests);
    const kubeConfig = withToken(kubeConfigOf(cluster), await tokenInPod(cluster, 'ci'));
    const wanted = { namespace: 'shop', audiences: ['vault'], kubeConfig, readyTimeoutMs: 1000 };
    const forVault = await TokenRequestProvider.open({ ...wanted, serviceAccount: 'build-robot' });
    onTestFinished(() => forVault.close());
    await expect(TokenRequestProvider.open({ ...wanted, serviceAccount: 'ci' })).rejects.toMatchObject({
      code: 'ERR_EXCHANGE_DENIED',
    });
  });

  it('for the clouds make service accounts, and tokens for the audience of each', async () => {
    const { shell } = await atTheBeginning({ CLIENT_ID: '11111111-2222-3333-4444-555555555555' });
    await writeFile(shell.file('credential-configuration.json'), '{}');
    // The namespace and the service account are the same for each cloud.
    const commands = commandsOf('docs/clouds.md').filter((block) => block.startsWith('kubectl'));
    await shell.run([...new Set(commands.join('').trim().split('\n'))].join('\n'));
    const account = JSON.parse(await shell.run('kubectl -n shop get serviceaccount build-robot -o json'));
    expect(account.metadata.annotations).toEqual({
      'azure.workload.identity/client-id': '11111111-2222-3333-4444-555555555555',
      'eks.amazonaws.com/role-arn': 'arn:aws:iam::123456789012:role/shop',
    });
    const tokens = [...pages.get('docs/clouds.md')!.matchAll(/"\$\((kubectl [^)]* create token [^)]*)\)"/g)];
    expect(tokens).toHaveLength(2);
    for (const [, create] of tokens) {
      const audience = create!.split(' ').at(-1);
      const inspected = await shell.run(`${create} | projected-token inspect - --audience ${audience}`);
      expect(inspected).toContain('system:serviceaccount:shop:build-robot');
    }
  });

  it('for the command line shows a token of kubectl, and checks its signature', async () => {
    const { cluster, shell } = await atTheBeginning();
    await shell.run('kubectl create serviceaccount shop');
    const [verify = ''] = commandsOf('docs/cli.md');
    const [, inspect = ''] = /^ {2}(kubectl create token shop \| .*)$/m.exec(pages.get('docs/cli.md')!)!;
    expect(await shell.run(inspect)).toContain('system:serviceaccount:default:shop');
    // The port is taken where another proxy runs; and a script is faster than a person, so it waits for the line that kubectl prints.
    const script = `exec 3< <(kubectl proxy --port=0); trap "kill $!" EXIT; read -r line <&3; port=\${line##*:}`;
    const verified = await shell.run(verify, { 'kubectl proxy &': script, '127.0.0.1:8001': '127.0.0.1:$port' });
    expect(verified).toContain('signature');
    const discovery = commandsOf('docs/oauth.md').find((commands) => commands.startsWith('kubectl'))!;
    expect(JSON.parse(await shell.run(discovery))).toMatchObject({ issuer: cluster.origin });
  });
});

it('The manifests are taken as they are', async () => {
  const { shell } = await atTheBeginning();
  await shell.run('kubectl create serviceaccount build-robot');
  const manifests = join(REPOSITORY, 'examples/manifests');
  expect(await shell.run(`kubectl apply --validate=strict --recursive -f '${manifests}'`)).toBe(
    'deployment.apps/shop created\npod/shop created\n',
  );
});
