import { writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls, createServer, type Server } from 'node:tls';
import { createLoopbackCertificate, type LoopbackCertificate } from '../../src/testing/loopback-certificate.js';
import { temporaryDirectory } from './temporary-directory.js';

/** A load balancer that speaks TLS with a certificate of its own, with a file of the CA beside it; both change when the CA rotates. */
export class TlsFront {
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  #certificate: LoopbackCertificate;

  private constructor(
    target: URL,
    /** File with the CA certificate, as a volume has it. */
    readonly caFile: string,
    certificate: LoopbackCertificate,
  ) {
    this.#certificate = certificate;
    this.#server = createServer(certificate, (socket) => {
      const address = { host: target.hostname, port: Number(target.port) };
      const upstream =
        target.protocol === 'https:' ? connectTls({ ...address, rejectUnauthorized: false }) : connect(address);
      for (const each of [socket, upstream]) this.#keep(each);
      socket.pipe(upstream).pipe(socket);
      socket.once('close', () => upstream.destroy());
      upstream.once('close', () => socket.destroy());
    });
    this.#server.on('tlsClientError', () => {});
  }

  /** @param directory - for the file of the CA; default: one that goes with the test */
  static async start(target: string, directory?: string): Promise<TlsFront> {
    const certificate = createLoopbackCertificate();
    const caFile = join(directory ?? (await temporaryDirectory()), 'ca.crt');
    await writeFile(caFile, certificate.cert);
    const front = new TlsFront(new URL(target), caFile, certificate);
    await new Promise<void>((resolve) => front.#server.listen(0, '127.0.0.1', resolve));
    return front;
  }

  get origin(): string {
    return `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /**
   * Replaces the CA: the server restarts with a certificate of the new one.
   *
   * @param order - what comes first: `bundle`, a file with both, as one that is planned well; `file`; `server`
   */
  async rotate(order: 'bundle' | 'file' | 'server'): Promise<void> {
    const next = createLoopbackCertificate();
    if (order !== 'server')
      await writeFile(this.caFile, (order === 'bundle' ? this.#certificate.cert : '') + next.cert);
    this.#server.setSecureContext(next);
    for (const socket of this.#open) socket.destroy();
    if (order === 'server') await writeFile(this.caFile, next.cert);
    this.#certificate = next;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#open) socket.destroy();
    await closed;
  }

  #keep(socket: Socket): void {
    this.#open.add(socket.on('error', () => {}).once('close', () => this.#open.delete(socket)));
  }
}
