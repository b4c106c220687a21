import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import express, { type Express, type RequestHandler } from 'express';
import { EmbeddedApiServer, EmbeddedAwsSts, EmbeddedGoogleSts, EmbeddedVault } from 'projected-token/testing';
import { Agent, request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { REPOSITORY } from '../helpers/built-package.js';
import { programs, readPages } from '../helpers/pages.js';
import { TlsFront } from '../helpers/tls-front.js';

/** What is printed of a program that has run, as an expression over its constants. */
const CLIENTS: Record<string, string> = {
  'README.md 1': 'data.data.data',
  'README.md 2': 'await response.json()',
  'docs/vault.md 1': 'data.data.data',
  'docs/service-to-service.md 1': "await (await ordersFetch('https://orders.shop.svc/v1/orders')).json()",
  'docs/clients.md 1': 'data',
  'docs/migrating.md 2': 'await response.json()',
  'docs/provider.md 1': 'provider.current.audiences',
  'docs/testing.md 3': 'provider.status.state',
  'docs/kubernetes-api.md 1': 'pods.items.map(({ metadata }) => metadata.name)',
  'docs/kubernetes-api.md 2': "JSON.parse(atob((await forVault.getToken()).split('.')[1])).aud",
  'docs/clouds.md 1': "(await sts.send(new (await import('@aws-sdk/client-sts')).GetCallerIdentityCommand({}))).Arn",
  'docs/clouds.md 2': "(await sts.send(new (await import('@aws-sdk/client-sts')).GetCallerIdentityCommand({}))).Arn",
  'docs/clouds.md 4': '(await client.getAccessToken()).token.length > 0',
};

/** Programs that are services; they are loaded here, and the clients above call them: those of the README its own. */
const SERVICES = ['README.md 3', 'docs/service-to-service.md 2'];

/** Why the others do not run here. */
const LEFT_OUT: Record<string, string> = {
  'docs/clients.md 2': 'sends nothing: test/examples/grpc',
  'docs/clouds.md 3': "names an API of Google: test/examples/clouds runs the same against another of Google's",
  'docs/clouds.md 5': "an authority that is not Microsoft's needs one option more: test/examples/clouds",
  'docs/clouds.md 6': "an authority that is not Microsoft's needs one option more: test/azure",
  'docs/migrating.md 1': 'shows what not to do',
  'docs/oauth.md 1': 'test/examples/oauth, and Keycloak in test/cluster',
  'docs/operation.md 1': 'test/examples/services',
  'docs/operation.md 2': 'test/observability',
  'docs/operation.md 3': 'test/metrics',
  'docs/operation.md 4': 'test/examples',
  'docs/testing.md 1': 'examples/testing',
  'docs/testing.md 2': 'test/testing/node-test',
  'docs/troubleshooting.md 1': 'shows a failure',
  'docs/vault.md 3': 'the servers below are started in this way',
};

const found = new Map<string, string>(
  [...(await readPages())].flatMap(([page, text]) =>
    [...programs(text)].map(([number, code]) => [`${page} ${number}`, code] as const),
  ),
);

const ISSUER = 'https://kubernetes.default.svc.cluster.local';
const USER = 'system:serviceaccount:shop:checkout';

const closing: (() => unknown)[] = [];
let directory: string;
let api: EmbeddedApiServer;
let caFile: string;

const nameOf = (program: string) => program.replace(/\W+/g, '-');

/** A pod's file system for a program, with a token for the audience that it names. */
async function podFor(program: string, audience: string): Promise<string> {
  const root = join(directory, nameOf(program));
  const serviceAccount = join(root, 'var/run/secrets/kubernetes.io/serviceaccount');
  await mkdir(serviceAccount, { recursive: true });
  await mkdir(join(root, 'var/run/secrets/tokens'));
  const token = async (...audiences: string[]) => (await api.createToken('shop', 'checkout', { audiences })).token;
  await writeFile(join(root, 'var/run/secrets/tokens/vault-token'), await token(audience));
  await writeFile(join(serviceAccount, 'token'), await token(ISSUER));
  await writeFile(join(serviceAccount, 'ca.crt'), api.ca!);
  return root;
}

/** Writes a program as it is on the page, but for the places that it names and an export at the end; resolves with its file. */
async function write(program: string, end: string, places: Record<string, string>): Promise<string> {
  let code = `${found.get(program)!}\n${end}\n`;
  for (const [name, place] of Object.entries(places))
    code = code.replaceAll(new RegExp(`'${name}(?=['/])`, 'g'), `'${place}`);
  const root = await podFor(program, /audience: '([^']+)'/.exec(code)?.[1] ?? ISSUER);
  const tokens = `path: '${root}/var/run/secrets/tokens'`;
  code = code
    .replaceAll("'/var/run/secrets/", `'${root}/var/run/secrets/`)
    .replaceAll('loadFromCluster()', `loadFromCluster('${root}')`)
    .replaceAll('ProjectedTokenProvider.open()', `ProjectedTokenProvider.open({ ${tokens} })`)
    .replaceAll(/ProjectedTokenProvider\.open\(\{ (?!path)/g, `ProjectedTokenProvider.open({ ${tokens}, `);
  const file = join(directory, `${nameOf(program)}.ts`);
  await writeFile(file, code);
  return file;
}

async function frontOf(origin: string): Promise<TlsFront> {
  const front = await TlsFront.start(origin, await mkdtemp(join(directory, 'front-')));
  closing.push(() => front.close());
  return front;
}

/** A service that is on a page, behind TLS. */
async function serve(program: string, exported: 'app' | 'middleware'): Promise<TlsFront> {
  const places = { 'https://kubernetes.default.svc': api.origin };
  const service: { app?: Express; middleware?: RequestHandler } = await import(
    await write(program, `export { ${exported} };`, places)
  );
  const app = service.app ?? express().use(service.middleware!);
  if (exported === 'middleware') app.get('/v1/orders', (_request, response) => void response.json({ orders: [] }));
  const server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => server.close().closeAllConnections());
  return frontOf(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

async function startApiServer(): Promise<void> {
  api = await EmbeddedApiServer.start({ tls: true, issuer: ISSUER, anonymousDiscovery: true });
  closing.push(() => api.close());
  for (const name of ['checkout', 'build-robot']) api.addServiceAccount('shop', name);
  api.addPod({ namespace: 'shop', name: 'checkout-1', serviceAccount: 'checkout' });
  api.allow(USER, 'create', 'tokenreviews');
  api.allow(USER, 'create', 'serviceaccounts/token', 'shop');
  api.allow(USER, 'list', 'pods', 'shop');
}

/** What Vault and the clouds know of the cluster. */
async function trustInCluster() {
  const dispatcher = new Agent({ connect: { ca: api.ca } });
  const { body } = await request(`${api.origin}/openid/v1/jwks`, { dispatcher });
  const jwks = (await body.json()) as never;
  await dispatcher.close();
  return { issuer: ISSUER, jwks };
}

/** Runs all programs in a process; resolves with what each of them has found, or why it failed. */
async function runClients(): Promise<Record<string, unknown>> {
  await startApiServer();
  const trust = await trustInCluster();
  const roles = { shop: { serviceAccounts: ['checkout'], namespaces: ['shop'], audience: 'vault', ttlSeconds: 60 } };
  const vault = await EmbeddedVault.start({
    tls: true,
    trust,
    roles,
    secrets: { shop: { password: 'correct horse' } },
  });
  const [aws, google] = [await EmbeddedAwsSts.start({ trust }), await EmbeddedGoogleSts.start({ trust })];
  closing.push(...[vault, aws, google].map((server) => () => server.close()));
  const [awsFront, googleFront] = [await frontOf(aws.origin), await frontOf(google.origin)];
  const [readmeOrders, orders] = [await serve(SERVICES[0]!, 'middleware'), await serve(SERVICES[1]!, 'app')];

  caFile = join(directory, 'ca.crt');
  const fronts = [awsFront, googleFront, readmeOrders, orders];
  const authorities = await Promise.all(fronts.map((front) => readFile(front.caFile, 'utf8')));
  await writeFile(caFile, [api.ca, vault.ca, ...authorities].join(''));
  const kubeConfig = join(directory, 'kube-config');
  const { token } = await api.createToken('shop', 'checkout');
  await writeFile(kubeConfig, JSON.stringify(kubeConfigOf(token)));

  // A test runner is alive while a test waits for a rotation; a provider does not keep its process alive.
  const lines = ['setInterval(() => {}, 1000);', 'const found: Record<string, unknown> = {};'];
  for (const [program, expression] of Object.entries(CLIENTS)) {
    const places = {
      'https://vault.vault.svc:8200': vault.origin,
      'https://vault.internal:8200': vault.origin,
      'https://orders.shop.svc': (program.startsWith('README') ? readmeOrders : orders).origin,
      'https://sts.googleapis.com': googleFront.origin,
      '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/shop/providers/cluster': google.audience,
    };
    const file = await write(program, `export const found: unknown = ${expression};`, places);
    const load = `import(${JSON.stringify(file)}).then(({ found }) => found, String)`;
    lines.push(`found[${JSON.stringify(program)}] = await ${load};`);
  }
  lines.push('process.stdout.write(JSON.stringify(found), () => process.exit());');
  const main = join(directory, 'main.ts');
  await writeFile(main, lines.join('\n'));
  const { host, port } = new URL(api.origin);
  const env = {
    PATH: process.env.PATH,
    NODE_EXTRA_CA_CERTS: caFile,
    KUBERNETES_SERVICE_HOST: host.split(':')[0],
    KUBERNETES_SERVICE_PORT: port,
    KUBECONFIG: kubeConfig,
    AWS_ENDPOINT_URL_STS: awsFront.origin,
    AWS_REGION: 'eu-central-1',
    AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/shop',
    AWS_ROLE_SESSION_NAME: 'checkout-1',
    AWS_WEB_IDENTITY_TOKEN_FILE: join(await podFor('aws', 'sts.amazonaws.com'), 'var/run/secrets/tokens/vault-token'),
  };
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', main], { cwd: REPOSITORY, env });
  return JSON.parse(stdout);
}

const kubeConfigOf = (token: string) => ({
  clusters: [
    {
      name: 'a',
      cluster: { server: api.origin, 'certificate-authority-data': Buffer.from(api.ca!).toString('base64') },
    },
  ],
  users: [{ name: 'a', user: { token } }],
  contexts: [{ name: 'a', context: { cluster: 'a', user: 'a' } }],
  'current-context': 'a',
});

describe('the programs in README and pages, over TLS with a CA of its own', () => {
  let results: Record<string, unknown>;

  beforeAll(async () => {
    await mkdir(join(REPOSITORY, '.cache'), { recursive: true });
    directory = await mkdtemp(join(REPOSITORY, '.cache', 'code-blocks-'));
    results = await runClients();
  }, 120_000);

  afterAll(async () => {
    for (const close of closing.reverse()) await close();
    await rm(directory, { recursive: true });
  });

  it('run, or it is known why not', () => {
    expect([...found.keys()].sort()).toEqual([...Object.keys(CLIENTS), ...SERVICES, ...Object.keys(LEFT_OUT)].sort());
  });

  it.each(['README.md 1', 'docs/vault.md 1'])('read a secret of Vault: %s', (program) => {
    expect(results[program]).toEqual({ password: 'correct horse' });
  });

  it.each(['README.md 2', 'docs/service-to-service.md 1', 'docs/clients.md 1', 'docs/migrating.md 2'])(
    'call a service that verifies the token: %s',
    (program) => {
      expect(results[program]).toEqual({ orders: [] });
    },
  );

  it('follow a token: docs/provider.md 1, docs/testing.md 3', () => {
    expect(results['docs/provider.md 1']).toEqual(['vault']);
    expect(results['docs/testing.md 3']).toBe('closed');
  });

  it('call the Kubernetes API: docs/kubernetes-api.md', () => {
    expect(results['docs/kubernetes-api.md 1']).toEqual(['checkout-1']);
    expect(results['docs/kubernetes-api.md 2']).toEqual(['vault']);
  });

  it('sign in to the clouds: docs/clouds.md', () => {
    const session = expect.stringMatching(/^arn:aws:sts::123456789012:assumed-role\/shop\//);
    expect([1, 2, 4].map((number) => results[`docs/clouds.md ${number}`])).toEqual([session, session, true]);
  });
});
