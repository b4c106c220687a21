import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { TokenSource } from '../token-source.js';
import { TokenVerificationError } from './token-verification-error.js';
import type { ResolvedOptions } from './token-verifier-options.js';

/** An answer, its body read to the end. */
export interface IssuerResponse {
  readonly status: number;
  readonly body: string;
}

/** Far above any key set or review: what is larger is not read into memory. */
const MAX_BODY_BYTES = 1024 * 1024;

/**
 * Requests to the issuer or the API server. node:https rather than fetch, which cannot be told of a CA certificate
 * without undici. Redirects are not followed. The token of this service goes to one origin only.
 */
export class IssuerClient {
  // Idle connections of an agent do not keep the process alive.
  readonly #httpAgent = new HttpAgent({ keepAlive: true });
  readonly #httpsAgent: HttpsAgent;
  readonly #timeoutMs: number;
  readonly #bearer: TokenSource | undefined;
  readonly #bearerOrigin: string;

  constructor({ server, ca, bearer, timeoutMs }: Pick<ResolvedOptions, 'server' | 'ca' | 'bearer' | 'timeoutMs'>) {
    this.#httpsAgent = new HttpsAgent({ keepAlive: true, ...(ca !== undefined && { ca: [ca].flat() }) });
    this.#timeoutMs = timeoutMs;
    this.#bearer = bearer;
    this.#bearerOrigin = server.origin;
  }

  /**
   * Sends a request; with the bearer, and once more with a fresh one after a 401, when it goes to the server of the options.
   *
   * @throws `ERR_VERIFY_UNAVAILABLE` when there is no answer
   */
  async request(method: 'GET' | 'POST', url: URL, json?: unknown): Promise<IssuerResponse> {
    try {
      const bearer = url.origin === this.#bearerOrigin ? this.#bearer : undefined;
      if (bearer === undefined) return await this.#send(method, url, json, undefined);
      const token = await bearer.getToken();
      const response = await this.#send(method, url, json, token);
      if (response.status !== 401) return response;
      const replacement = await bearer.replaceToken(token);
      return replacement === undefined ? response : await this.#send(method, url, json, replacement);
    } catch (cause) {
      throw new TokenVerificationError(
        'ERR_VERIFY_UNAVAILABLE',
        `${url.origin}${url.pathname} could not be asked; the cause says why. Check the address, the network policy and the options "ca" and "bearer".`,
        { cause },
      );
    }
  }

  async #send(method: string, url: URL, json: unknown, token: string | undefined): Promise<IssuerResponse> {
    try {
      return await this.#sendOnce(method, url, json, token);
    } catch (error) {
      // A connection that the server closed in the moment we took it from the pool: the request was not received.
      if (error instanceof StaleConnectionError) return this.#sendOnce(method, url, json, token);
      throw error;
    }
  }

  #sendOnce(method: string, url: URL, json: unknown, token: string | undefined): Promise<IssuerResponse> {
    const body = json === undefined ? undefined : JSON.stringify(json);
    const isHttps = url.protocol === 'https:';
    return new Promise((resolve, reject) => {
      const request: ClientRequest = (isHttps ? httpsRequest : httpRequest)(url, {
        method,
        agent: isHttps ? this.#httpsAgent : this.#httpAgent,
        headers: {
          Accept: 'application/json, application/jwk-set+json',
          ...(token !== undefined && { Authorization: `Bearer ${token}` }),
          ...(body !== undefined && { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) }),
        },
        // The whole exchange, not only silence on the socket.
        signal: AbortSignal.timeout(this.#timeoutMs),
      });
      request.once('error', (error: NodeJS.ErrnoException) => {
        const isStale = request.reusedSocket && error.code === 'ECONNRESET';
        reject(isStale ? new StaleConnectionError() : withoutBytes(error));
      });
      request.once('response', (response) => {
        readBody(response).then((text) => resolve({ status: response.statusCode ?? 0, body: text }), reject);
      });
      request.end(body);
    });
  }
}

/** @param path - begins with a slash; is put after the path that the server may have, as behind a proxy for many clusters */
export function urlUnder(server: URL, path: string): URL {
  return new URL(server.href.replace(/\/$/, '') + path);
}

class StaleConnectionError extends Error {}

// The error of a parser holds what it could not parse, and a TokenReview is answered with the token in it.
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
