/**
 * A secret of Vault by `fetch`, read every second: through rotations of the pod's token, renewals and revocations of Vault's.
 *
 * Run: npx tsx examples/vault-fetch.ts
 * Environment: TOKEN_PATH (default /var/run/secrets/tokens), VAULT_ADDR, VAULT_ROLE; NODE_EXTRA_CA_CERTS for a CA of your own
 */
import { setTimeout as pause } from 'node:timers/promises';
import { ProjectedTokenProvider } from 'projected-token';
import { withToken } from 'projected-token/fetch';
import { VaultTokenProvider } from 'projected-token/vault';

const address = process.env.VAULT_ADDR ?? 'https://vault.internal:8200';
const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());

const source = await ProjectedTokenProvider.open({ path: process.env.TOKEN_PATH, audience: 'vault' });
source.on('rotated', ({ current }) => console.log(`Rotated: token ${current.fingerprint}`));

// What its Vault token was given, such as a database user, ends with the process.
const options = { address, role: process.env.VAULT_ROLE ?? 'shop', source, revokeOnClose: true };
const vaultTokens = await VaultTokenProvider.open(options);
vaultTokens.on('login', () => console.log('Logged in again'));
vaultTokens.on('error', (error) => console.error(error.message));

// The token goes to Vault only, in the header X-Vault-Token; a 403 is looked into.
const vaultFetch = withToken(fetch, vaultTokens, { origins: [new URL(address).origin] });

while (!stop.signal.aborted) {
  const response = await vaultFetch(`${address}/v1/secret/data/shop`);
  const { data } = (await response.json()) as { data?: { data: object } };
  console.log(`${response.status} ${Object.keys(data?.data ?? {})}`);
  await pause(1000, undefined, { signal: stop.signal }).catch(() => {});
}

await vaultTokens.close();
await source.close();
