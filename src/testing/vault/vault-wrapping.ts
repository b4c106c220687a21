import { randomBytes, randomUUID } from 'node:crypto';
import type { LoopbackResponse } from '../loopback-server.js';
import { failure, json } from './vault-answers.js';
import { parseDuration } from './vault-duration.js';

/**
 * Response wrapping: an answer that is kept, and a token that gets it once.
 *
 * @see https://developer.hashicorp.com/vault/docs/concepts/response-wrapping
 */
export class VaultWrapping {
  readonly #kept = new Map<string, { readonly response: LoopbackResponse; readonly expiresAtMs: number }>();

  /**
   * Wraps an answer; an error is never wrapped.
   *
   * @param ttl - header `X-Vault-Wrap-TTL`, such as `60` or `5m`
   */
  wrap(response: LoopbackResponse, ttl: string, path: string): LoopbackResponse {
    if (response.status !== 200) return response;
    const ttlSeconds = parseDuration(ttl);
    if (ttlSeconds === undefined) {
      return failure(400, `error parsing X-Vault-Wrap-TTL header: time: invalid duration ${JSON.stringify(ttl)}`);
    }
    const token = `hvs.${randomBytes(66).toString('base64url')}`;
    this.#kept.set(token, { response, expiresAtMs: Date.now() + ttlSeconds * 1000 });
    const { auth } = JSON.parse(response.body!) as { auth?: { accessor: string } | null };
    const wrap_info = {
      token,
      accessor: randomBytes(18).toString('base64url'),
      ttl: ttlSeconds,
      creation_time: new Date().toISOString(),
      creation_path: path,
      ...(auth && { wrapped_accessor: auth.accessor }),
    };
    const nothing = { request_id: '', lease_id: '', renewable: false, lease_duration: 0, data: null, warnings: null };
    return json(200, { ...nothing, wrap_info, auth: null });
  }

  /** Gives back what was wrapped, with a new id of the request, to whoever asks first. */
  unwrap(token: string | undefined): LoopbackResponse {
    const kept = this.#kept.get(token ?? '');
    this.#kept.delete(token ?? '');
    if (kept === undefined || Date.now() >= kept.expiresAtMs) {
      return failure(400, 'wrapping token is not valid or does not exist');
    }
    return json(200, { ...(JSON.parse(kept.response.body!) as object), request_id: randomUUID() });
  }
}
