import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { ConnectionOptions, PemSource } from './connection-options.js';
import { withDeadline } from './deadline.js';
import { codeOf, HttpError } from './http-error.js';
import { printable } from './printable.js';

/** Sources are read again after this long: far shorter than any time that two certificates overlap, and rare under load. */
const READ_AGAIN_AFTER_MS = 250;
/** A source that is slower than this, such as a file on a dead mount, does not hold up requests that can do without it. */
const SLOW_SOURCE_MS = 1_000;

/** What a client trusts and how it identifies itself, ready for connections. */
export interface LoadedCredentials {
  /** Undefined where Node's own defaults are right. */
  readonly secureContext: SecureContext | undefined;
  /** All that was read, to notice a change. */
  readonly pem: string;
}

/** Reads CA certificates and the client certificate, and reads them again to follow their rotation. */
export class TlsCredentials {
  readonly #options: Pick<ConnectionOptions, 'ca' | 'clientCertificate'>;
  readonly #isFixed: boolean;
  #loaded: LoadedCredentials | undefined;
  #loading: Promise<void> | undefined;
  #loadBegunAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: Pick<ConnectionOptions, 'ca' | 'clientCertificate'>) {
    this.#options = options;
    const { ca = [], clientCertificate } = options;
    this.#isFixed = [ca, clientCertificate?.cert ?? [], clientCertificate?.key ?? []].flat().every(isPem);
  }

  /** The credentials that were read last. Undefined before the first {@link refresh}. */
  get loaded(): LoadedCredentials | undefined {
    return this.#loaded;
  }

  /**
   * Reads the sources if they were not read just now. What cannot be used, such as a file in the midst of being written,
   * does not replace what was read before.
   *
   * @param isForced - reads them in any case, because a connection failed with what was read before
   * @throws {HttpError} when there is nothing to use
   */
  async refresh(isForced = false): Promise<void> {
    const isDue = !this.#isFixed && performance.now() - this.#loadBegunAtMs >= READ_AGAIN_AFTER_MS;
    if (this.#loaded !== undefined && !isDue && !(isForced && !this.#isFixed)) return;
    // A read under way may have begun before the change that made a connection fail.
    if (isForced) await this.#loading?.catch(() => undefined);
    // One read at a time: on a dead mount each would hold a thread.
    this.#loading ??= this.#load().finally(() => {
      this.#loading = undefined;
    });
    const loading = this.#loading;
    if (this.#loaded === undefined) return loading;
    const timeoutMs = this.#loadBegunAtMs + SLOW_SOURCE_MS - performance.now();
    if (timeoutMs < 1) return;
    await withDeadline(() => loading, { timeoutMs, toError: () => new Error('slow') }).catch(() => undefined);
  }

  async #load(): Promise<void> {
    this.#loadBegunAtMs = performance.now();
    const { ca, clientCertificate } = this.#options;
    const pems: Pems = { ca: [] };
    // One after the other, as a file on a dead mount holds a thread.
    for (const source of [ca ?? []].flat()) pems.ca.push(await readCertificates('ca', source));
    if (clientCertificate !== undefined) {
      pems.cert = await readCertificates('clientCertificate.cert', clientCertificate.cert);
      pems.key = await readPem('clientCertificate.key', clientCertificate.key);
    }
    const pem = [...pems.ca, pems.cert, pems.key].join('\n');
    if (pem !== this.#loaded?.pem) this.#loaded = { pem, secureContext: secureContextOf(pems) };
  }
}

interface Pems {
  readonly ca: string[];
  cert?: string;
  key?: string;
}

function secureContextOf({ ca, cert, key }: Pems): SecureContext | undefined {
  if (ca.length === 0 && cert === undefined) return undefined;
  try {
    return createSecureContext({ ...(ca.length > 0 && { ca }), cert, key });
  } catch (error) {
    // Of the certificate and the key, as createSecureContext takes any text for a CA. Its message quotes neither.
    const code = codeOf(error);
    throw new HttpError(`the client certificate and its key cannot be used (${code}). Check "clientCertificate".`, {
      code,
      isPermanent: true,
    });
  }
}

async function readCertificates(option: string, source: PemSource): Promise<string> {
  const pem = await readPem(option, source);
  try {
    new X509Certificate(pem);
    return pem;
  } catch (error) {
    const where = typeof source === 'string' && !isPem(source) ? `, "${printable(source, 200)}",` : '';
    throw new HttpError(`the option "${option}"${where} holds no certificate in PEM.`, {
      code: codeOf(error),
      isPermanent: true,
    });
  }
}

async function readPem(option: string, source: PemSource): Promise<string> {
  const given = typeof source === 'function' ? await callSource(option, source) : source;
  if (isPem(given)) return given.toString();
  try {
    return await readFile(given, 'utf8');
  } catch (error) {
    const code = codeOf(error);
    const path = printable(String(given), 200);
    // Not permanent: a volume may be mounted late.
    throw new HttpError(`the file "${path}" of the option "${option}" cannot be read (${code}).`, { code });
  }
}

async function callSource(option: string, source: () => string | Buffer | Promise<string | Buffer>) {
  try {
    const given = await source();
    if (typeof given === 'string' || Buffer.isBuffer(given)) return given;
  } catch (error) {
    // Its message is not shown: a function that reads a key may quote it.
    const code = codeOf(error);
    throw new HttpError(`the function of the option "${option}" failed${code === undefined ? '' : ` (${code})`}.`, {
      code,
    });
  }
  throw new HttpError(`the function of the option "${option}" gave neither a string nor a Buffer.`, {
    isPermanent: true,
  });
}

function isPem(source: PemSource): source is string | Buffer {
  return Buffer.isBuffer(source) || (typeof source === 'string' && source.includes('-----BEGIN'));
}
