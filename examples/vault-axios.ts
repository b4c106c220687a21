/**
 * A secret of Vault by axios, read every second: through rotations of the pod's token, renewals and revocations of Vault's.
 *
 * Run: npx tsx examples/vault-axios.ts
 * Environment: TOKEN_PATH (default /var/run/secrets/tokens), VAULT_ADDR, VAULT_ROLE; NODE_EXTRA_CA_CERTS for a CA of your own
 */
import { setTimeout as pause } from 'node:timers/promises';
import axios from 'axios';
import { ProjectedTokenProvider } from 'projected-token';
import { withToken } from 'projected-token/axios';
import { VaultTokenProvider } from 'projected-token/vault';

const address = process.env.VAULT_ADDR ?? 'https://vault.internal:8200';
const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());

const source = await ProjectedTokenProvider.open({ path: process.env.TOKEN_PATH, audience: 'vault' });
source.on('rotated', ({ current }) => console.log(`Rotated: token ${current.fingerprint}`));

const role = process.env.VAULT_ROLE ?? 'shop';
const vaultTokens = await VaultTokenProvider.open({ address, role, source });
vaultTokens.on('login', () => console.log('Logged in again'));
vaultTokens.on('error', (error) => console.error(error.message));

// The token goes to the origin of the base URL only, in the header X-Vault-Token; a 403 is looked into.
const vault = withToken(axios.create({ baseURL: `${address}/v1/`, timeout: 5000 }), vaultTokens);

while (!stop.signal.aborted) {
  const { status, data } = await vault.get('secret/data/shop');
  console.log(`${status} ${Object.keys(data.data.data)}`);
  await pause(1000, undefined, { signal: stop.signal }).catch(() => {});
}

await vaultTokens.close();
await source.close();
