import {
  type ClientRequest,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';

/** A request with a JSON body, or none. */
export interface JsonRequest {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly signal?: AbortSignal | undefined;
}

/** An answer, its body read to the end. */
export interface JsonAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Certificates of the authorities to trust, in PEM. */
export type CertificateAuthority = string | Buffer | readonly (string | Buffer)[];

/** Far above any key set, review or login: what is larger is not read into memory. */
const MAX_BODY_BYTES = 1024 * 1024;

/**
 * Requests of this library itself: to an issuer, an API server, a Vault. node:https rather than fetch, which cannot be told of a CA
 * certificate without undici. Redirects are not followed. Errors hold nothing of what was sent or received.
 */
export class JsonConnection {
  // Idle connections of an agent do not keep the process alive.
  readonly #httpAgent = new HttpAgent({ keepAlive: true });
  readonly #httpsAgent: HttpsAgent;
  readonly #timeoutMs: number;

  /** @param timeoutMs - of a whole exchange, not only of silence on the socket */
  constructor({ ca, timeoutMs }: { ca: CertificateAuthority | undefined; timeoutMs: number }) {
    this.#httpsAgent = new HttpsAgent({ keepAlive: true, ...(ca !== undefined && { ca: [ca].flat() }) });
    this.#timeoutMs = timeoutMs;
  }

  /** Rejects when no answer came. */
  async send(request: JsonRequest): Promise<JsonAnswer> {
    try {
      return await this.#sendOnce(request);
    } catch (error) {
      // A connection that the server closed in the moment we took it from the pool: the request was not received.
      if (error instanceof StaleConnectionError) return this.#sendOnce(request);
      throw error;
    }
  }

  /** Ends idle connections. */
  close(): void {
    this.#httpAgent.destroy();
    this.#httpsAgent.destroy();
  }

  #sendOnce({ method, url, headers, json, signal }: JsonRequest): Promise<JsonAnswer> {
    const body = json === undefined ? undefined : JSON.stringify(json);
    const isHttps = url.protocol === 'https:';
    const timeout = AbortSignal.timeout(this.#timeoutMs);
    return new Promise((resolve, reject) => {
      const request: ClientRequest = (isHttps ? httpsRequest : httpRequest)(url, {
        method,
        agent: isHttps ? this.#httpsAgent : this.#httpAgent,
        headers: {
          Accept: 'application/json',
          ...headers,
          ...(body !== undefined && { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) }),
        },
        signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
      });
      let isAnswered = false;
      const fail = (error: NodeJS.ErrnoException) => {
        const isStale = request.reusedSocket && error.code === 'ECONNRESET' && !isAnswered;
        reject(isStale ? new StaleConnectionError() : withoutBytes(error));
      };
      request.once('error', fail);
      request.once('response', (response) => {
        isAnswered = true;
        readBody(response).then(
          (text) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
          fail,
        );
      });
      request.end(body);
    });
  }
}

/** @param path - begins with a slash; is put after the path that the server may have, as behind a proxy */
export function urlUnder(server: URL, path: string): URL {
  return new URL(server.href.replace(/\/$/, '') + path);
}

class StaleConnectionError extends Error {}

// The error of a parser holds what it could not parse, and some answers have a token in them.
function withoutBytes({ message, code }: NodeJS.ErrnoException): Error {
  return Object.assign(new Error(message), { code });
}

async function readBody(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_BODY_BYTES) throw new Error(`The answer is longer than ${MAX_BODY_BYTES} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
