import { type CallCredentials, credentials, Metadata, status } from '@grpc/grpc-js';
import { TokenHeader } from '../carry/token-header.js';
import { isError } from '../internal/is-error.js';
import type { TokenSource } from '../token-source.js';

/**
 * Returns call credentials that add a fresh token of a source to every call of a channel. A channel leads to one server, so there are no
 * origins to list.
 *
 * - Combine them with the channel credentials of the client: gRPC then rejects an insecure channel. As the `credentials` option of a
 *   single call, grpc-js does not check the channel, and would send the token in clear text over an insecure one.
 * - A call that the server rejects is not retried here: gRPC does not tell call credentials about it. The next call carries the new
 *   token, and so does the next attempt of a `retryPolicy` that lists `UNAUTHENTICATED`.
 * - Do not set the metadata `authorization` on a call: gRPC fails a call with two values.
 *
 * @param source - source of the tokens, such as a `ProjectedTokenProvider`
 * @returns credentials for `credentials.combineChannelCredentials`
 * @throws `ERR_TOKEN_OPTION` if the source's carrier names no header. A call fails with `UNAUTHENTICATED` if the source has no token; the
 * message says why.
 *
 * @example
 * ```ts
 * const secure = credentials.combineChannelCredentials(credentials.createSsl(), tokenCallCredentials(provider));
 * const client = new ShopClient('shop.internal:443', secure);
 * ```
 */
export function tokenCallCredentials(source: TokenSource): CallCredentials {
  const header = new TokenHeader(source);
  return credentials.createFromMetadataGenerator((_call, callback) => {
    metadataOf(source, header).then(
      (metadata) => callback(null, metadata),
      (error) => callback(unauthenticated(error)),
    );
  });
}

async function metadataOf(source: TokenSource, header: TokenHeader): Promise<Metadata> {
  const metadata = new Metadata();
  metadata.set(header.name, header.of(await source.getToken()).value);
  return metadata;
}

/** gRPC reads the status of the call from the error's `code`, which must be a number, and the details from its message. */
function unauthenticated(cause: unknown): Error {
  const message = isError(cause) ? cause.message : String(cause);
  return Object.assign(new Error(message, { cause }), { code: status.UNAUTHENTICATED });
}
