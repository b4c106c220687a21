import { type AllowedOrigins, parseUrl } from '../carry/allowed-origins.js';
import { TokenExchangeError } from '../errors.js';
import { retryAfterMs } from '../exchange/retry-after.js';
import { HttpClient } from '../internal/http-client.js';
import { HttpError } from '../internal/http-error.js';
import { printable } from '../internal/printable.js';
import { urlUnder } from '../internal/url-under.js';
import { withoutSecrets } from '../internal/without-secrets.js';
import type { ResolvedVaultOptions } from './vault-options.js';

/** An answer of Vault. */
export interface VaultAnswer {
  readonly status: number;
  /** The body; an empty object if there is none. */
  readonly body: Readonly<Record<string, unknown>>;
  /** Vault's error texts (`errors` of the body) in one line. */
  readonly reasons: string;
}

/** Standbys that do not forward answer with the address of the active node (Vault: "standby nodes", `redirect`). */
const REDIRECTS = [307, 308];
const MAX_REDIRECTS = 5;

/** Sends requests to Vault's API, to the listed origins only, with the namespace header. */
export class VaultConnection {
  readonly #client: HttpClient;
  readonly #address: URL;
  readonly #origins: AllowedOrigins;
  readonly #namespace: string | undefined;

  constructor({ address, origins, namespace, connection, timeoutMs }: ResolvedVaultOptions) {
    this.#client = new HttpClient({ ...connection, timeoutMs });
    this.#address = address;
    this.#origins = origins;
    this.#namespace = namespace;
  }

  /**
   * Sends a request under `/v1/`.
   *
   * @param secrets - texts in the request that no message may quote
   * @throws `ERR_EXCHANGE_UNAVAILABLE` if there is no answer, or a temporary error; `ERR_EXCHANGE_INVALID` for a redirect
   * to an origin that is not listed
   */
  async request(
    method: 'GET' | 'POST',
    path: string,
    { json, token, signal }: { json?: unknown; token?: string; signal: AbortSignal },
    secrets: readonly string[],
  ): Promise<VaultAnswer> {
    const headers = {
      // Vault Agent may require this header against forged requests (require_request_header); Vault's own clients send it.
      'X-Vault-Request': 'true',
      ...(this.#namespace !== undefined && { 'X-Vault-Namespace': this.#namespace }),
      ...(token !== undefined && { 'X-Vault-Token': token }),
    };
    let url = urlUnder(this.#address, `/v1/${path}`);
    for (let redirects = 0; ; redirects++) {
      const answer = await this.#client.send({ method, url, headers, json, signal }).catch((cause: unknown) => {
        // Anything else is the reason of the signal.
        const failure = cause instanceof HttpError ? cause : new HttpError('the request was aborted.');
        const message = `Cannot reach Vault at ${url.origin}: ${failure.message}`;
        throw new TokenExchangeError('ERR_EXCHANGE_UNAVAILABLE', message, { cause, isRetryable: !failure.isPermanent });
      });
      const { location } = answer.headers;
      if (REDIRECTS.includes(answer.status) && location !== undefined && redirects < MAX_REDIRECTS) {
        url = this.#redirected(url, location);
        continue;
      }
      const parsed = parse(answer.status, answer.text, secrets);
      if (asksToComeAgain(answer.status)) throw unavailable(url, parsed, answer.headers['retry-after']);
      return parsed;
    }
  }

  /** Closes the connections. Never rejects. */
  close(): Promise<void> {
    return this.#client.close();
  }

  #redirected(from: URL, location: string): URL {
    const url = parseUrl(location, from);
    if (url !== undefined && this.#origins.has(url)) return url;
    throw new TokenExchangeError(
      'ERR_EXCHANGE_INVALID',
      `Vault at ${from.origin} redirects to ${url?.origin ?? 'an address that is not a URL'}. List that origin in the option "origins" if it is a node of the same cluster.`,
      // During a failover a standby redirects to the dead leader; after it, the standby may forward.
      { isRetryable: url !== undefined },
    );
  }
}

/**
 * 412: the node has not caught up. 429: a quota. 472 and 473: a standby. 5xx: sealed, no active node, or a fault of Vault, a proxy or a
 * server behind them.
 *
 * @see https://developer.hashicorp.com/vault/api-docs#http-status-codes
 */
function asksToComeAgain(status: number): boolean {
  return [307, 308, 412, 429, 472, 473].includes(status) || status >= 500;
}

function unavailable(url: URL, { status, reasons }: VaultAnswer, retryAfter: string | undefined): TokenExchangeError {
  const why = status === 503 ? ' It is sealed, or has no active node.' : '';
  return new TokenExchangeError(
    'ERR_EXCHANGE_UNAVAILABLE',
    `Vault at ${url.origin} answers ${status}${reasons === '' ? '' : ` (${reasons})`}.${why} The request will be retried.`,
    { status, retryAfterMs: retryAfterMs(retryAfter) },
  );
}

function parse(status: number, text: string, secrets: readonly string[]): VaultAnswer {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    body = undefined;
  }
  if (typeof body !== 'object' || body === null) return { status, body: {}, reasons: '' };
  const { errors } = body as { errors?: unknown };
  const reasons = Array.isArray(errors) ? errors.filter((error) => typeof error === 'string').join('; ') : '';
  // Vault's own lists of errors have line feeds and indents.
  const line = withoutSecrets(reasons, secrets).replace(/\s+/g, ' ').trim();
  return { status, body: body as Record<string, unknown>, reasons: printable(line, 300) };
}
