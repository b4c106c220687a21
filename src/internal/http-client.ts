import type { ConnectionOptions, RequestDispatcher } from './connection-options.js';
import { ConnectionPool } from './connection-pool.js';
import { withDeadline } from './deadline.js';
import { HttpError } from './http-error.js';
import { describeFailure, isAboutCertificates } from './http-failure.js';
import { MAX_TIMER_MS } from './option-checks.js';
import { ACCEPTED_ENCODINGS, readBody } from './read-body.js';
import { TlsCredentials } from './tls-credentials.js';
import { type Attempt, wasStale } from './tracked-client.js';
import { VERSION } from './version.js';

/** A request with a body of JSON or of form fields, or none. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly form?: URLSearchParams | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** An answer, its body read to the end. */
export interface HttpAnswer {
  readonly status: number;
  /** By names in lower case; the values of a repeated header are joined with commas. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly text: string;
}

/** How long {@link HttpClient.close} waits for requests under way, in milliseconds. */
const CLOSE_TIMEOUT_MS = 1_000;

/**
 * Sends the requests of this library itself: to Vault, an issuer, an API server.
 *
 * Built on undici, which is loaded at the first request. Redirects are not followed. A request is sent again once on a fresh
 * connection when its kept-alive one turns out to be closed, and once more with certificates read anew when one was not
 * accepted. Nothing keeps the process alive between requests.
 */
export class HttpClient {
  readonly #options: ConnectionOptions;
  readonly #timeoutMs: number;
  readonly #credentials: TlsCredentials;
  #pool: ConnectionPool | undefined;
  /** Pools that are closing, until they have. */
  readonly #retired = new Map<ConnectionPool, Promise<void>>();
  #isClosed = false;

  /** @param options - checked ones, and `timeoutMs`, the time for a whole exchange: connection, answer and body */
  constructor({ timeoutMs, ...options }: ConnectionOptions & { readonly timeoutMs: number }) {
    this.#options = options;
    this.#timeoutMs = Math.min(Math.ceil(timeoutMs), MAX_TIMER_MS);
    this.#credentials = new TlsCredentials(this.#options);
  }

  /**
   * Sends a request and resolves with the answer, whatever its status.
   *
   * @throws {HttpError} when no whole answer came in time; the reason of the signal when that aborts
   */
  send(request: HttpRequest): Promise<HttpAnswer> {
    const timeoutMs = this.#timeoutMs;
    const toError = () =>
      new HttpError(`no answer within ${timeoutMs} ms (option "timeoutMs").`, { code: 'ETIMEDOUT' });
    return withDeadline((signal) => this.#send(request, signal), { timeoutMs, toError, signal: request.signal });
  }

  /** Ends idle connections at once, and requests under way after a second. Never rejects. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#retire();
    const toError = () => new Error('requests are under way');
    try {
      await withDeadline(() => Promise.all(this.#retired.values()), { timeoutMs: CLOSE_TIMEOUT_MS, toError });
    } catch {
      await Promise.all([...this.#retired.keys()].map((pool) => pool.destroy()));
    }
  }

  async #send({ method, url, headers, json, form }: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    const body = json === undefined ? form?.toString() : JSON.stringify(json);
    const contentType = json === undefined ? 'application/x-www-form-urlencoded' : 'application/json';
    const options = {
      origin: url.origin,
      path: url.pathname + url.search,
      method,
      headers: {
        Accept: 'application/json',
        'Accept-Encoding': ACCEPTED_ENCODINGS,
        'User-Agent': `projected-token/${VERSION}`,
        ...headers,
        ...(body !== undefined && { 'Content-Type': contentType }),
      },
      body,
      signal,
      // The deadline of send() is the only one: these two would each begin anew.
      headersTimeout: 0,
      bodyTimeout: 0,
    };
    const retries = { connection: 1, certificates: 1 };
    for (;;) {
      const attempt: Attempt = {};
      let pool: ConnectionPool | undefined;
      try {
        pool = await this.#poolInUse();
        const answer = await answerOf(
          await (pool?.request(options, attempt) ?? this.#options.dispatcher!.request(options)),
        );
        if (speaksTls(url, answer)) throw wrongScheme();
        return answer;
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        if (this.#isClosed) throw closed();
        if (wasStale(attempt) && retries.connection-- > 0) {
          // What one idle connection met, the others have met as well: a load balancer forgets all of them.
          this.#retire(pool);
        } else if (
          !(isAboutCertificates(error) && retries.certificates-- > 0 && (await this.#hasOtherCredentials(pool)))
        ) {
          throw describeFailure(error, {
            hasCa: this.#options.ca !== undefined,
            mayUseProxy: pool?.mayUseProxy === true && url.protocol === 'https:',
            sent: [...Object.values(headers ?? {}), body ?? '', ...(form?.values() ?? [])],
          });
        }
      }
    }
  }

  /** The pool with the newest certificates; undefined where the option `dispatcher` takes its place. */
  async #poolInUse(): Promise<ConnectionPool | undefined> {
    if (this.#options.dispatcher !== undefined) return undefined;
    // By its file: Bun has a module of its own by the name of undici, without dispatchers.
    const undici = await import('undici/index.js');
    await this.#credentials.refresh();
    if (this.#isClosed) throw closed();
    const credentials = this.#credentials.loaded!;
    if (this.#pool?.credentials !== credentials) this.#retire();
    this.#pool ??= new ConnectionPool(undici, {
      credentials,
      serverName: this.#options.serverName,
      proxyTimeoutMs: this.#timeoutMs,
    });
    return this.#pool;
  }

  /** Reads the certificates anew; resolves with whether they are others than those of a pool. */
  async #hasOtherCredentials(pool: ConnectionPool | undefined): Promise<boolean> {
    if (pool === undefined) return false;
    await this.#credentials.refresh(true);
    return this.#credentials.loaded !== pool.credentials;
  }

  /** Lets a pool end its requests and its connections; new requests get another one. */
  #retire(pool = this.#pool): void {
    if (pool === undefined || pool !== this.#pool) return;
    this.#pool = undefined;
    this.#retired.set(
      pool,
      pool.close().then(() => void this.#retired.delete(pool)),
    );
  }
}

/**
 * Returns whether an answer without TLS says that the port is one for TLS: in the words of Go, so of Vault and kube-apiserver
 * (go src/net/http/server.go), or of nginx (src/http/ngx_http_special_response.c).
 */
function speaksTls({ protocol }: URL, { status, text }: HttpAnswer): boolean {
  return (
    protocol === 'http:' &&
    status === 400 &&
    /Client sent an HTTP request to an HTTPS server|plain HTTP request was sent to HTTPS port/.test(text)
  );
}

function wrongScheme(): HttpError {
  return new HttpError('the server speaks TLS on that port. Use "https:" in the address.', { isPermanent: true });
}

function closed(): HttpError {
  return new HttpError('the client was closed.', { isPermanent: true });
}

async function answerOf({
  statusCode,
  headers,
  body,
}: Awaited<ReturnType<RequestDispatcher['request']>>): Promise<HttpAnswer> {
  const joined: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(headers)) joined[name] = Array.isArray(value) ? value.join(', ') : value;
  // A body that is given up on still ends with an error.
  body.on('error', () => undefined);
  return { status: statusCode, headers: joined, text: await readBody(body, joined['content-encoding']) };
}
