import { mkdir, writeFile } from 'node:fs/promises';
import { freePort, PartProcess } from './part-process.js';
import { PROGRAMS } from './programs.js';

/** A node of the cluster: a kubelet with a directory of its own. */
export class Kubelet {
  #process: PartProcess | undefined;

  private constructor(
    readonly nodeName: string,
    private readonly directory: string,
    private readonly origin: string,
    private readonly token: string,
    private readonly isRegistered: () => Promise<boolean>,
  ) {}

  /**
   * Writes what it needs to reach the API server.
   *
   * @param token - of the user `system:node:` and the node's name
   * @param isRegistered - whether the API server knows the node
   */
  static async prepare(
    nodeName: string,
    directory: string,
    server: { readonly origin: string; readonly ca: string },
    token: string,
    isRegistered: () => Promise<boolean>,
  ): Promise<Kubelet> {
    await mkdir(directory, { recursive: true });
    const kubelet = new Kubelet(nodeName, directory, server.origin, token, isRegistered);
    await kubelet.trust(server.ca);
    return kubelet;
  }

  /** Trusts other authorities of the API server, in PEM, from the next start on. */
  async trust(ca: string): Promise<void> {
    const caData = Buffer.from(ca).toString('base64');
    // JSON is YAML, too.
    const kubeconfig = {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'cluster',
      clusters: [{ name: 'cluster', cluster: { server: this.origin, 'certificate-authority-data': caData } }],
      users: [{ name: 'node', user: { token: this.token } }],
      contexts: [{ name: 'cluster', context: { cluster: 'cluster', user: 'node' } }],
    };
    await writeFile(`${this.directory}/kubeconfig`, JSON.stringify(kubeconfig), { mode: 0o600 });
  }

  /** Where the directories of its pods are. */
  get podsDirectory(): string {
    return `${this.directory}/root/pods`;
  }

  /** Of the process that runs now. */
  get pid(): number {
    return this.#process!.pid;
  }

  async start(): Promise<void> {
    this.#process = new PartProcess(
      `The kubelet of ${this.nodeName}`,
      PROGRAMS.kubelet,
      [
        `--kubeconfig=${this.directory}/kubeconfig`,
        `--name=${this.nodeName}`,
        `--root=${this.directory}/root`,
        `--port=${await freePort()}`,
        '--sync-period=1s',
      ],
      this.directory,
    );
    await this.#process.untilReady(this.isRegistered);
  }

  async kill(): Promise<void> {
    await this.#process?.kill();
  }

  /** Ends the kubelet and starts another one. It has no token in its memory: all tokens of its pods are rotated at once. */
  async restart(): Promise<void> {
    await this.kill();
    await this.start();
  }
}
