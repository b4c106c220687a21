import type { Readable } from 'node:stream';
import { InvalidOptionError } from '../errors.js';

/**
 * Certificates or a private key in PEM: the text, its bytes, the path of a file, or a function that gives one of these.
 *
 * A string without `-----BEGIN` is a path. Files are read again, and functions called again, while requests are sent, so
 * that a rotated certificate is used without a restart; a function should be cheap or cache its result.
 */
export type PemSource = string | Buffer | (() => string | Buffer | Promise<string | Buffer>);

/** Certificates of the authorities to trust: one source, which may hold several, or a list while one replaces another. */
export type CertificateAuthority = PemSource | readonly PemSource[];

/**
 * What sends requests: any `Dispatcher` of undici, of version 7 or later. Described here by the one method that is called, as each
 * version of undici has types of its own.
 */
export interface RequestDispatcher {
  /** Sends a request and resolves with its answer once the headers are there. */
  request(options: {
    origin: string;
    path: string;
    method: 'GET' | 'POST';
    headers: Record<string, string>;
    body: string | undefined;
    signal: AbortSignal;
    headersTimeout: number;
    bodyTimeout: number;
  }): Promise<{
    statusCode: number;
    headers: Record<string, string | string[] | undefined>;
    body: Readable;
  }>;
}

/** How this library connects to a server: to Vault, an issuer or an API server. */
export interface ConnectionOptions {
  /**
   * CA certificates to trust instead of Node's. In a pod: `/var/run/secrets/kubernetes.io/serviceaccount/ca.crt` for the
   * API server, on OpenShift `service-ca.crt` beside it for services, or the file of a ConfigMap.
   *
   * @default the CA certificates of Node (with `NODE_EXTRA_CA_CERTS`)
   */
  readonly ca?: CertificateAuthority | undefined;
  /**
   * Certificate, with intermediate ones after it, and private key of this client, for a server that asks for them.
   *
   * @default none
   */
  readonly clientCertificate?: { readonly cert: PemSource; readonly key: PemSource } | undefined;
  /**
   * Name that the certificate of the server must be for, also sent as SNI, where it is not the host of the address.
   *
   * @default the host of the address
   */
  readonly serverName?: string | undefined;
  /**
   * Dispatcher of undici to send requests with, for what the other options cannot do. Its connections, certificates,
   * proxies and retries are then up to it, so it excludes the other options; it is not closed by this library.
   *
   * @default one of this library, which uses proxies of the environment only where Node does (`NODE_USE_ENV_PROXY=1`)
   */
  readonly dispatcher?: RequestDispatcher | undefined;
}

/**
 * Picks the connection options out of the options of a provider or verifier.
 *
 * @throws `ERR_TOKEN_OPTION` when one of them cannot work
 */
export function resolveConnectionOptions(options: ConnectionOptions): ConnectionOptions {
  const { ca, clientCertificate, serverName, dispatcher } = options;
  if (ca !== undefined) {
    const sources = [ca].flat();
    if (sources.length === 0 || !sources.every(isPemSource)) throw invalid('ca', `must be ${PEM}, or a list of these`);
  }
  if (
    clientCertificate !== undefined &&
    !(isPemSource(clientCertificate?.cert) && isPemSource(clientCertificate.key))
  ) {
    throw invalid('clientCertificate', `must have "cert" and "key", each ${PEM}`);
  }
  if (serverName !== undefined && (typeof serverName !== 'string' || serverName === '')) {
    throw invalid('serverName', 'must be a host name');
  }
  if (dispatcher === undefined) return { ca, clientCertificate, serverName };
  if (typeof dispatcher?.request !== 'function') throw invalid('dispatcher', 'must be a dispatcher of undici');
  if ((ca ?? clientCertificate ?? serverName) !== undefined) {
    throw invalid('dispatcher', 'excludes "ca", "clientCertificate" and "serverName": give these to the dispatcher');
  }
  return { dispatcher };
}

const PEM = 'PEM text, bytes in PEM, the path of a file or a function';

function isPemSource(value: unknown): value is PemSource {
  return typeof value === 'function' || ((typeof value === 'string' || Buffer.isBuffer(value)) && value.length > 0);
}

function invalid(option: string, what: string): InvalidOptionError {
  return new InvalidOptionError(option, `The option "${option}" ${what}.`);
}
