/**
 * A secret of Vault by node-vault, read every second: through rotations of the pod's token, renewals and revocations of Vault's.
 *
 * Run: npx tsx examples/node-vault.ts
 * Environment: TOKEN_PATH (default /var/run/secrets/tokens), VAULT_ADDR, VAULT_ROLE; NODE_EXTRA_CA_CERTS for a CA of your own
 */
import { setTimeout as pause } from 'node:timers/promises';
import axios from 'axios';
import createVault from 'node-vault';
import { ProjectedTokenProvider } from 'projected-token';
import { withToken } from 'projected-token/axios';
import { VaultTokenProvider } from 'projected-token/vault';

const endpoint = process.env.VAULT_ADDR ?? 'https://vault.internal:8200';
const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());

const source = await ProjectedTokenProvider.open({ path: process.env.TOKEN_PATH, audience: 'vault' });
source.on('rotated', ({ current }) => console.log(`Rotated: token ${current.fingerprint}`));

const role = process.env.VAULT_ROLE ?? 'shop';
const vaultTokens = await VaultTokenProvider.open({ address: endpoint, role, source });
vaultTokens.on('login', () => console.log('Logged in again'));
vaultTokens.on('error', (error) => console.error(error.message));

// node-vault has no token of its own (VAULT_TOKEN is not set): what sends its requests adds the one of the moment.
const sender = withToken(axios.create({ validateStatus: null }), vaultTokens, { origins: [new URL(endpoint).origin] });
type Sent = { method: string; uri: string; headers: Record<string, string>; json?: object };
const send = async ({ method, uri, headers, json }: Sent) => {
  const { status, data } = await sender.request({ method, url: uri, headers, data: json });
  return { statusCode: status, body: data, request: { path: new URL(uri).pathname } };
};
const vault = createVault({ endpoint, 'request-promise': { defaults: () => send } });

while (!stop.signal.aborted) {
  const { data } = await vault.read('secret/data/shop');
  console.log(`200 ${Object.keys(data.data)}`);
  await pause(1000, undefined, { signal: stop.signal }).catch(() => {});
}

await vaultTokens.close();
await source.close();
