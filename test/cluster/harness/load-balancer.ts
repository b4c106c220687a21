import { connect, createServer, type Server, type Socket } from 'node:net';
import type { OpenBaoNode } from './open-bao.js';

const CHECK_EVERY_MS = 100;

/**
 * A TCP load balancer in front of the nodes of OpenBao: every connection goes to the node that answers `/v1/sys/health` with 200, which
 * is the active one, and is ended once another node is. While no node is active, connections are refused.
 */
export class LoadBalancer implements AsyncDisposable {
  #active: OpenBaoNode | undefined;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #checking: NodeJS.Timeout;

  private constructor(nodes: readonly OpenBaoNode[]) {
    this.#server = createServer((incoming) => this.#forward(incoming));
    this.#checking = setInterval(() => void this.#check(nodes), CHECK_EVERY_MS);
  }

  /** Resolves once it has found the active node. */
  static async start(nodes: readonly OpenBaoNode[]): Promise<LoadBalancer> {
    const balancer = new LoadBalancer(nodes);
    await balancer.#check(nodes);
    const server = balancer.#server;
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
    return balancer;
  }

  get address(): string {
    return `http://127.0.0.1:${(this.#server.address() as { port: number }).port}`;
  }

  /** The node that gets the connections; undefined while none is active. */
  get active(): OpenBaoNode | undefined {
    return this.#active;
  }

  async #check(nodes: readonly OpenBaoNode[]): Promise<void> {
    const isActive = async (node: OpenBaoNode) => (await node.client().send('GET', '/v1/sys/health')).status === 200;
    const answers = await Promise.all(nodes.map((node) => isActive(node).catch(() => false)));
    const active = nodes[answers.indexOf(true)];
    if (active === this.#active) return;
    this.#active = active;
    for (const socket of this.#sockets) socket.destroy();
  }

  #forward(incoming: Socket): void {
    if (this.#active === undefined) {
      incoming.destroy();
      return;
    }
    const outgoing = connect(Number(new URL(this.#active.address).port), '127.0.0.1');
    for (const [socket, other] of [
      [incoming, outgoing],
      [outgoing, incoming],
    ] as const) {
      this.#sockets.add(socket);
      socket.pipe(other);
      socket
        .once('error', () => {})
        .once('close', () => {
          this.#sockets.delete(socket);
          other.destroy();
        });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#checking);
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
