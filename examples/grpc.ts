/**
 * A gRPC client whose calls carry a token that follows every rotation. Clients made from a .proto file take the same credentials.
 *
 * Run: npx tsx examples/grpc.ts
 * Environment: TOKEN_PATH (default /var/run/secrets/tokens), TOKEN_AUDIENCE, SERVICE_URL, CA_FILE (default: the roots of Node)
 */
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { Client, credentials, type requestCallback } from '@grpc/grpc-js';
import { ProjectedTokenProvider } from 'projected-token';
import { tokenCallCredentials } from 'projected-token/grpc';

const { host } = new URL(process.env.SERVICE_URL ?? 'https://service.internal:8443');
const ca = process.env.CA_FILE === undefined ? null : await readFile(process.env.CA_FILE);

const provider = await ProjectedTokenProvider.open({
  path: process.env.TOKEN_PATH,
  audience: process.env.TOKEN_AUDIENCE,
});

// gRPC refuses to combine them with an insecure channel.
const secure = credentials.combineChannelCredentials(credentials.createSsl(ca), tokenCallCredentials(provider));
const client = new Client(host, secure);

// What generated code would do for the method `Create` of the service `shop.Orders`.
const createOrder = promisify((order: object, done: requestCallback<object>) => {
  const serialize = (message: object) => Buffer.from(JSON.stringify(message));
  const deserialize = (bytes: Buffer): object => JSON.parse(String(bytes));
  client.makeUnaryRequest('/shop.Orders/Create', serialize, deserialize, order, done);
});

console.log(JSON.stringify(await createOrder({ item: 'book' })));

client.close();
await provider.close();
