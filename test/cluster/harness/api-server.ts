import { createPrivateKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { decodeJwt, decodeProtectedHeader, type JWTHeaderParameters, type JWTPayload, SignJWT } from 'jose';
import { createLoopbackCertificate } from '../../../src/testing/loopback-certificate.js';
import { JsonClient } from '../../helpers/json-client.js';
import { freePort, PartProcess } from './part-process.js';
import { PROGRAMS } from './programs.js';

/** What signs service account tokens. */
export type SigningKey = 'RSA' | 'EC';

/** etcd and kube-apiserver, with RBAC and the node authorizer. Users are told by tokens in a file, so that no client certificate is needed. */
export class ApiServer {
  #etcd: PartProcess | undefined;
  #process: PartProcess | undefined;
  /** The newest key first: it signs. All are accepted. */
  readonly #keyFiles: string[] = [];
  readonly #tokens = new Map<string, string>();
  #nextCertificate = createLoopbackCertificate();
  /** `--service-account-issuer`: the first one is in new tokens, all are accepted. */
  issuers: readonly string[];
  ca = '';

  private constructor(
    private readonly directory: string,
    private readonly port: number,
    private readonly etcdPort: number,
    private readonly flags: readonly string[],
  ) {
    this.issuers = [this.origin];
  }

  /**
   * @param flags - of kube-apiserver, in addition
   * @param nodeNames - of nodes that will come
   */
  static async prepare(directory: string, flags: readonly string[], nodeNames: readonly string[]): Promise<ApiServer> {
    await mkdir(`${directory}/etcd/store`, { recursive: true, mode: 0o700 });
    const server = new ApiServer(directory, await freePort(), await freePort(), flags);
    const users = [
      ['admin', 'system:masters'],
      ...nodeNames.map((name) => [`system:node:${name}`, 'system:nodes']),
    ] as [string, string][];
    for (const [user] of users) server.#tokens.set(user, randomBytes(24).toString('hex'));
    const lines = users.map(([user, group]) => `${server.#tokens.get(user)},${user},${user},"${group}"\n`);
    await writeFile(`${directory}/users.csv`, lines.join(''), { mode: 0o600 });
    await server.#writeCertificate();
    await server.addKey('RSA');
    return server;
  }

  get origin(): string {
    return `https://127.0.0.1:${this.port}`;
  }

  /** The token of `admin`, or of `system:node:` and the name of a node. */
  tokenOf(user: string): string {
    return this.#tokens.get(user)!;
  }

  /** Requests as administrator. */
  get admin(): JsonClient {
    return this.client(this.tokenOf('admin'));
  }

  /** Requests with a token, or without any. */
  client(token?: string): JsonClient {
    return new JsonClient(this.origin, this.ca, token === undefined ? {} : { authorization: `Bearer ${token}` });
  }

  /** Signs with a new key, from the next start on. */
  async addKey(type: SigningKey): Promise<void> {
    const { privateKey, publicKey } =
      type === 'RSA'
        ? generateKeyPairSync('rsa', { modulusLength: 2048 })
        : generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const file = `${this.directory}/service-accounts-${this.#keyFiles.length}`;
    await writeFile(`${file}.key`, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    await writeFile(`${file}.pub`, publicKey.export({ type: 'spki', format: 'pem' }));
    this.#keyFiles.unshift(file);
  }

  /** Signs a token of this server with other claims, by its newest key. */
  async signAgain(token: string, claims: JWTPayload): Promise<string> {
    const [signing] = this.#keyFiles;
    const header = decodeProtectedHeader(token) as JWTHeaderParameters;
    const key = createPrivateKey(await readFile(`${signing}.key`));
    return new SignJWT({ ...decodeJwt(token), ...claims }).setProtectedHeader(header).sign(key);
  }

  /** The CA certificate of {@link rotateCertificate}, in PEM: clients trust it before the server has it. */
  get nextCa(): string {
    return this.#nextCertificate.cert;
  }

  /** Gives it another certificate, by another authority, as a rotation does: it reads the files when they change. */
  async rotateCertificate(): Promise<void> {
    await this.#writeCertificate();
    await this.#process!.untilReady(async () => (await this.admin.send('GET', '/readyz')).status === 200);
  }

  async #writeCertificate(): Promise<void> {
    const { cert, key } = this.#nextCertificate;
    await writeFile(`${this.directory}/tls.crt`, cert);
    await writeFile(`${this.directory}/tls.key`, key, { mode: 0o600 });
    this.ca = cert;
    this.#nextCertificate = createLoopbackCertificate();
  }

  async start(): Promise<void> {
    if (this.#etcd === undefined) await this.#startEtcd();
    const [signing] = this.#keyFiles;
    this.#process = new PartProcess(
      'kube-apiserver',
      PROGRAMS.apiserver,
      [
        `--etcd-servers=http://127.0.0.1:${this.etcdPort}`,
        '--bind-address=127.0.0.1',
        '--advertise-address=127.0.0.1',
        `--secure-port=${this.port}`,
        `--cert-dir=${this.directory}`,
        `--tls-cert-file=${this.directory}/tls.crt`,
        `--tls-private-key-file=${this.directory}/tls.key`,
        `--token-auth-file=${this.directory}/users.csv`,
        ...this.issuers.map((issuer) => `--service-account-issuer=${issuer}`),
        `--service-account-signing-key-file=${signing}.key`,
        ...this.#keyFiles.map((file) => `--service-account-key-file=${file}.pub`),
        `--service-account-jwks-uri=${this.origin}/openid/v1/jwks`,
        `--api-audiences=${this.issuers.join(',')}`,
        '--authorization-mode=Node,RBAC',
        '--enable-admission-plugins=NodeRestriction',
        '--service-cluster-ip-range=10.0.0.0/24',
        '--endpoint-reconciler-type=none',
        ...this.flags,
      ],
      this.directory,
    );
    await this.#process.untilReady(async () => (await this.admin.send('GET', '/readyz')).status === 200);
  }

  /** Ends kube-apiserver; etcd stays. */
  async stop(): Promise<void> {
    // Its graceful end waits for watches that clients hold open.
    await this.#process?.kill();
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** Ends etcd as well. */
  async end(): Promise<void> {
    await this.stop();
    await this.#etcd?.kill();
  }

  async #startEtcd(): Promise<void> {
    const listen = `http://127.0.0.1:${this.etcdPort}`;
    const directory = `${this.directory}/etcd`;
    this.#etcd = new PartProcess(
      'etcd',
      PROGRAMS.etcd,
      [`--directory=${directory}/store`, `--listen=${listen}`],
      directory,
    );
    await this.#etcd.untilReady(async () => (await fetch(`${listen}/health`)).ok);
  }
}
