import { type CallCredentials, credentials, Metadata } from '@grpc/grpc-js';
import { BEARER_CARRIER, type TokenSource } from '../token-source.js';

/**
 * Call credentials that put the token of a source, always a fresh one, on every call: combine them with the channel credentials of
 * the client. gRPC itself refuses to send them over an insecure channel, and every channel leads to one server, so there are no
 * origins to list.
 *
 * A call that a server refuses is not sent again: gRPC does not tell call credentials of it. Since the source follows each rotation
 * at once, the next call carries the new token.
 *
 * @param source - where tokens come from, such as a `ProjectedTokenProvider`
 * @returns credentials for `credentials.combineChannelCredentials`, or for the `credentials` option of one call
 * @throws nothing. A call fails with `UNAUTHENTICATED` when the source has no token; the message says why.
 *
 * @example
 * ```ts
 * const secure = credentials.combineChannelCredentials(credentials.createSsl(), tokenCallCredentials(provider));
 * const client = new ShopClient('shop.internal:443', secure);
 * ```
 */
export function tokenCallCredentials(source: TokenSource): CallCredentials {
  const { header, scheme } = source.carrier ?? BEARER_CARRIER;
  return credentials.createFromMetadataGenerator((_call, callback) => {
    source.getToken().then(
      (token) => {
        const metadata = new Metadata();
        metadata.set(header.toLowerCase(), scheme === undefined ? token : `${scheme} ${token}`);
        callback(null, metadata);
      },
      (error) => callback(error instanceof Error ? error : new Error(String(error))),
    );
  });
}
