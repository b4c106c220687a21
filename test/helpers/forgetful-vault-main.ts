import { VaultTokenProvider } from 'projected-token/vault';

// A program that has done its work, and does not close what it opened.
const [address = '', role = '', token = ''] = process.argv.slice(2);
const source = { getToken: async () => token, replaceToken: async () => undefined };
const provider = await VaultTokenProvider.open({ address, role, source });
await provider.replaceToken(await provider.getToken());
console.log(provider.status.state);
