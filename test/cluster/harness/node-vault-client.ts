import axios from 'axios';
import createVault from 'node-vault';
import type { TokenSource } from 'projected-token';
import { withToken } from 'projected-token/axios';

/** A client that reads the secret `shop` by node-vault, and what sends its requests adds the token: as in examples/node-vault.ts. */
export function nodeVaultClient(endpoint: string, source: TokenSource): () => Promise<number> {
  const sender = withToken(axios.create({ validateStatus: null }), source, { origins: [endpoint] });
  type Sent = { method: string; uri: string; headers: Record<string, string>; json?: object };
  const send = async ({ method, uri, headers, json }: Sent) => {
    const { status, data } = await sender.request({ method, url: uri, headers, data: json });
    return { statusCode: status, body: data, request: { path: new URL(uri).pathname } };
  };
  const vault = createVault({ endpoint, 'request-promise': { defaults: () => send } });
  return async () => {
    const { data } = await vault.read('secret/data/shop');
    return data.data.password === 'correct horse' ? 200 : 0;
  };
}
