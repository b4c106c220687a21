import { mkdir, writeFile } from 'node:fs/promises';
import { createLoopbackCertificate } from '../../../src/testing/loopback-certificate.js';
import { JsonClient } from '../../helpers/json-client.js';
import { freePort, PartProcess } from './part-process.js';
import { PROGRAMS } from './programs.js';
import { RunDirectory } from './run-directory.js';

/** Options of {@link startOpenBao}. */
export interface OpenBaoOptions {
  /** Whether it speaks HTTPS, with a certificate of its own. @default false */
  readonly tls?: boolean;
  /** Nodes with raft storage; of three one may be lost. @default 1 */
  readonly nodes?: 1 | 3;
}

/** One server of OpenBao. */
export class OpenBaoNode {
  #process: PartProcess | undefined;
  readonly #certificateFiles: readonly [cert: string, key: string];
  ca: string | undefined;

  private constructor(
    readonly name: string,
    readonly address: string,
    private readonly directory: string,
    ca: string | undefined,
  ) {
    this.ca = ca;
    this.#certificateFiles = [`${directory}/tls.crt`, `${directory}/tls.key`];
  }

  static async prepare(name: string, directory: string, tls: boolean): Promise<OpenBaoNode> {
    await mkdir(`${directory}/raft`, { recursive: true });
    const [port, clusterPort] = [await freePort(), await freePort()];
    const address = `${tls ? 'https' : 'http'}://127.0.0.1:${port}`;
    const node = new OpenBaoNode(name, address, directory, undefined);
    if (tls) await node.#writeCertificate();
    const [cert, key] = node.#certificateFiles;
    const tlsLines = tls ? `tls_cert_file = "${cert}"\n  tls_key_file = "${key}"` : 'tls_disable = true';
    await writeFile(
      `${directory}/server.hcl`,
      `storage "raft" {
  path = "${directory}/raft"
  node_id = "${name}"
  performance_multiplier = 1
  autopilot_reconcile_interval = "500ms"
  autopilot_update_interval = "250ms"
}
listener "tcp" {
  address = "127.0.0.1:${port}"
  cluster_address = "127.0.0.1:${clusterPort}"
  ${tlsLines}
}
api_addr = "${address}"
cluster_addr = "https://127.0.0.1:${clusterPort}"
ui = false
`,
    );
    return node;
  }

  client(token?: string): JsonClient {
    return new JsonClient(this.address, this.ca, token === undefined ? {} : { 'x-vault-token': token });
  }

  /** Starts the server, which is sealed then. */
  async start(): Promise<void> {
    this.#process = new PartProcess(
      `OpenBao ${this.name}`,
      PROGRAMS.bao,
      ['server', `-config=${this.directory}/server.hcl`],
      this.directory,
    );
    const client = this.client();
    await this.#process.untilReady(async () => (await client.send('GET', '/v1/sys/seal-status')).status === 200);
  }

  /** Ends it as a crash does. */
  async kill(): Promise<void> {
    await this.#process?.kill();
  }

  async stop(): Promise<void> {
    await this.#process?.stop();
  }

  /** Gives it another certificate, by another authority, as a rotation does: the files change, and SIGHUP makes it read them. */
  async rotateCertificate(): Promise<void> {
    await this.#writeCertificate();
    this.#process!.signal('SIGHUP');
    const client = this.client();
    await this.#process!.untilReady(async () => (await client.send('GET', '/v1/sys/seal-status')).status === 200);
  }

  async #writeCertificate(): Promise<void> {
    const { cert, key } = createLoopbackCertificate();
    const [certFile, keyFile] = this.#certificateFiles;
    await writeFile(certFile, cert);
    await writeFile(keyFile, key, { mode: 0o600 });
    this.ca = cert;
  }
}

/** OpenBao: initialised and unsealed. */
export class OpenBao implements AsyncDisposable {
  private constructor(
    readonly nodes: readonly OpenBaoNode[],
    private readonly directory: RunDirectory,
    private readonly unsealKey: string,
    readonly rootToken: string,
  ) {}

  static async start({ tls = false, nodes: count = 1 }: OpenBaoOptions): Promise<OpenBao> {
    const directory = await RunDirectory.create();
    const nodes: OpenBaoNode[] = [];
    try {
      for (let index = 0; index < count; index++) {
        const name = `node-${index + 1}`;
        nodes.push(await OpenBaoNode.prepare(name, directory.join(name), tls));
      }
      await Promise.all(nodes.map((node) => node.start()));
      const [first, ...others] = nodes as [OpenBaoNode, ...OpenBaoNode[]];
      const init = { secret_shares: 1, secret_threshold: 1 };
      const { keys, root_token: rootToken } = await first.client().ask('PUT', '/v1/sys/init', init);
      const bao = new OpenBao(nodes, directory, keys[0], rootToken);
      await bao.unseal(first);
      for (const node of others) {
        const join = { leader_api_addr: first.address, leader_ca_cert: first.ca };
        // For a moment after its unsealing the first one has no challenge to give.
        await waitFor(async () => (await node.client().ask('POST', '/v1/sys/storage/raft/join', join)).joined);
        await bao.unseal(node);
      }
      // Before the nodes that joined have a vote, the leader cannot be lost.
      if (count > 1) await waitFor(() => bao.areAllVoters());
      return bao;
    } catch (error) {
      await Promise.all(nodes.map((node) => node.kill()));
      await directory[Symbol.asyncDispose]();
      throw error;
    }
  }

  get address(): string {
    return this.nodes[0]!.address;
  }

  get ca(): string | undefined {
    return this.nodes[0]!.ca;
  }

  /** Requests with the root token. */
  get root(): JsonClient {
    return this.nodes[0]!.client(this.rootToken);
  }

  /** Unseals a node, and waits until it is the active one or a standby of the active one. */
  async unseal(node: OpenBaoNode = this.nodes[0]!): Promise<void> {
    const client = node.client();
    const status = async () => (await client.send('GET', '/v1/sys/health')).status;
    // A node that has just joined takes the first key for its answer to the leader's challenge, and is sealed still.
    await waitFor(async () => !(await client.ask('PUT', '/v1/sys/unseal', { key: this.unsealKey })).sealed);
    await waitFor(async () => {
      const { is_self: isActive, leader_address: leader } = await client.ask('GET', '/v1/sys/leader');
      return isActive ? (await status()) === 200 : this.nodes.length > 1 && leader !== '' && (await status()) === 429;
    });
  }

  /** Seals it, as an operator does: all is answered with 503 until it is unsealed. */
  async seal(): Promise<void> {
    await this.root.ask('PUT', '/v1/sys/seal', {});
  }

  /** The nodes that are not the active one, as long as that is the first. */
  get standbys(): readonly OpenBaoNode[] {
    return this.nodes.slice(1);
  }

  /** Starts the standbys anew, one after the other, as an upgrade does. */
  async restartStandbys(): Promise<void> {
    for (const node of this.standbys) {
      await node.kill();
      await node.start();
      await this.unseal(node);
    }
  }

  /** Waits until every node gives the same answer to a read. A standby serves reads from what has reached it. */
  async untilReplicated(path: string): Promise<void> {
    const read = async (node: OpenBaoNode) => {
      const { status, body } = await node.client(this.rootToken).send('GET', path);
      return JSON.stringify([status, body?.data]);
    };
    const [active, ...others] = this.nodes as [OpenBaoNode, ...OpenBaoNode[]];
    const wanted = await read(active);
    for (const node of others) await waitFor(async () => (await read(node)) === wanted);
  }

  /** The active node. */
  async leader(): Promise<OpenBaoNode> {
    for (;;) {
      for (const node of this.nodes) {
        const answer = await node
          .client()
          .send('GET', '/v1/sys/leader')
          .catch(() => undefined);
        if (answer?.body?.is_self === true) return node;
      }
    }
  }

  private async areAllVoters(): Promise<boolean> {
    const { data } = await this.root.ask('GET', '/v1/sys/storage/raft/configuration');
    const voters = data.config.servers.filter(({ voter }: { voter: boolean }) => voter);
    return voters.length === this.nodes.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
    await this.directory[Symbol.asyncDispose]();
  }
}

/** Starts OpenBao on loopback: one node, or three of which one may be lost; initialised and unsealed. */
export function startOpenBao(options: OpenBaoOptions = {}): Promise<OpenBao> {
  return OpenBao.start(options);
}

async function waitFor(isSo: () => Promise<boolean>): Promise<void> {
  const giveUpAt = performance.now() + 60_000;
  while (!(await isSo().catch(() => false))) {
    if (performance.now() > giveUpAt) throw new Error('OpenBao is not ready within 60 s.');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
