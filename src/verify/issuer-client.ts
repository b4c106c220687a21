import { withDeadline } from '../internal/deadline.js';
import { type HttpAnswer, HttpClient, type HttpRequest } from '../internal/http-client.js';
import { HttpError } from '../internal/http-error.js';
import { isError } from '../internal/is-error.js';
import { printable } from '../internal/printable.js';
import type { TokenSource } from '../token-source.js';
import type { ResolvedIssuer } from './resolve-options.js';
import { TokenVerificationError } from './token-verification-error.js';

/** Sends requests to one issuer or its API server. The token of this service goes to one origin only. */
export class IssuerClient {
  readonly #client: HttpClient;
  readonly #bearer: TokenSource | undefined;
  readonly #bearerOrigin: string;
  readonly #timeoutMs: number;

  constructor(
    { server, connection, bearer }: Pick<ResolvedIssuer, 'server' | 'connection' | 'bearer'>,
    timeoutMs: number,
  ) {
    this.#client = new HttpClient({ ...connection, timeoutMs });
    this.#bearer = bearer;
    this.#bearerOrigin = server.origin;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Sends a request. To the server of the options it carries the bearer, and is retried once with a fresh one after a 401. One deadline
   * covers all of it, also a source of bearers that hangs.
   *
   * @throws `ERR_VERIFY_UNAVAILABLE` if there is no answer
   */
  async request(method: 'GET' | 'POST', url: URL, json?: unknown): Promise<HttpAnswer> {
    const source = url.origin === this.#bearerOrigin ? this.#bearer : undefined;
    let isWaitingForBearer = false;
    const bearerFrom = async <T>(token: Promise<T>): Promise<T> => {
      isWaitingForBearer = true;
      const bearer = await token;
      isWaitingForBearer = false;
      return bearer;
    };
    const exchange = async (signal: AbortSignal) => {
      const request: HttpRequest = { method, url, json, signal };
      if (source === undefined) return this.#send(request);
      const token = await bearerFrom(source.getToken({ signal }));
      const answer = await this.#send(request, token);
      if (answer.status !== 401) return answer;
      const replacement = await bearerFrom(source.replaceToken(token, { signal }));
      return replacement === undefined ? answer : this.#send(request, replacement);
    };
    const timeoutMs = this.#timeoutMs;
    const toError = () =>
      new HttpError(`no answer within ${timeoutMs} ms (option "timeoutMs").`, { code: 'ETIMEDOUT' });
    try {
      return await withDeadline(exchange, { timeoutMs, toError });
    } catch (cause) {
      const reason = isWaitingForBearer ? 'the source in the option "bearer" returned no token: ' : '';
      const message = `Cannot reach ${url.origin}${url.pathname}: ${reason}${messageOf(cause)}`;
      throw new TokenVerificationError('ERR_VERIFY_UNAVAILABLE', message, { cause });
    }
  }

  #send(request: HttpRequest, bearer?: string): Promise<HttpAnswer> {
    const headers = {
      Accept: 'application/json, application/jwk-set+json',
      ...(bearer !== undefined && { Authorization: `Bearer ${bearer}` }),
    };
    return this.#client.send({ ...request, headers });
  }
}

function messageOf(cause: unknown): string {
  return isError(cause) ? printable(cause.message, 500) : 'it failed without an error.';
}
