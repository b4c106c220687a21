import type { LoopbackResponse } from '../loopback-server.js';
import { failure, json } from './vault-answers.js';
import { envelope } from './vault-tokens.js';

interface SecretVersion {
  readonly data: unknown;
  readonly createdAt: string;
  deletedAt: string;
}

/**
 * A KV version 2 engine: secrets by their paths, each write a version of its own.
 *
 * @see https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2
 */
export class VaultSecrets {
  readonly #versions = new Map<string, SecretVersion[]>();

  constructor(secrets: Readonly<Record<string, unknown>>) {
    for (const [path, data] of Object.entries(secrets)) this.#add(path, data);
  }

  /** Answers with the newest version; one that was deleted is 404, and tells when. */
  read(path: string): LoopbackResponse {
    const versions = this.#versions.get(path);
    if (versions === undefined) return failure(404);
    const newest = versions.at(-1)!;
    const isDeleted = newest.deletedAt !== '';
    const data = isDeleted ? null : newest.data;
    return json(isDeleted ? 404 : 200, envelope({ data, metadata: metadataOf(versions) }));
  }

  /** Adds a version. `options.cas` of the body is the version that has to be the newest one until then. */
  write(path: string, { data, options }: { data?: unknown; options?: { cas?: unknown } }): LoopbackResponse {
    if (data === undefined) return failure(400, 'no data provided');
    const newest = this.#versions.get(path)?.length ?? 0;
    if (options?.cas !== undefined && options.cas !== newest) {
      return failure(400, 'check-and-set parameter did not match the current version');
    }
    return json(200, envelope(metadataOf(this.#add(path, data))));
  }

  /** Deletes the newest version; deleting what is not there is no error. */
  delete(path: string): LoopbackResponse {
    const newest = this.#versions.get(path)?.at(-1);
    if (newest !== undefined && newest.deletedAt === '') newest.deletedAt = new Date().toISOString();
    return { status: 204 };
  }

  #add(path: string, data: unknown): SecretVersion[] {
    const versions = this.#versions.get(path) ?? [];
    versions.push({ data, createdAt: new Date().toISOString(), deletedAt: '' });
    this.#versions.set(path, versions);
    return versions;
  }
}

function metadataOf(versions: readonly SecretVersion[]): Record<string, unknown> {
  const { createdAt, deletedAt } = versions.at(-1)!;
  return {
    created_time: createdAt,
    custom_metadata: null,
    deletion_time: deletedAt,
    destroyed: false,
    version: versions.length,
  };
}
