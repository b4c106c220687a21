import { promisify } from 'node:util';
import { type MethodDefinition, type Server, ServerCredentials } from '@grpc/grpc-js';
import type { LoopbackCertificate } from '../../src/testing/loopback-certificate.js';

/** Messages are bytes as they are: no schema, no generated code. */
export const asIs = (bytes: Buffer): Buffer => bytes;

/** A method whose messages are bytes. */
export function bytesMethod(
  path: string,
  { requestStream = false, responseStream = false } = {},
): MethodDefinition<Buffer, Buffer> {
  return {
    path,
    requestStream,
    responseStream,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  };
}

/** Lets a server listen on loopback with TLS; resolves with its address, as gRPC writes it. */
export async function listenSecurely(server: Server, { key, cert }: LoopbackCertificate): Promise<string> {
  const secure = ServerCredentials.createSsl(null, [{ private_key: Buffer.from(key), cert_chain: Buffer.from(cert) }]);
  const port = await promisify(server.bindAsync.bind(server))('127.0.0.1:0', secure);
  server.start(); // needed until 1.10
  // By name: gRPC takes the address for a TLS server name, which Node 26 does not let pass.
  return `localhost:${port}`;
}
