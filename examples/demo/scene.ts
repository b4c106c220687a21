import { ProjectedTokenProvider } from 'projected-token';
import type { DemoOptions } from './arguments.js';
import { clientsWithToken, type DemoClients, naiveClients } from './clients.js';
import type { DemoRecord } from './demo-record.js';
import { NaiveToken } from './naive-token.js';
import type { Send, TrafficClient } from './traffic.js';
import { VaultClient } from './vault-client.js';
import { countAnswers } from './wire.js';
import { World, type WorldEvent } from './world.js';

/** What the demo plays with: a token, clients that use it, and what to call that. */
export interface Scene {
  readonly title: string;
  readonly subtitle: string;
  readonly clients: readonly TrafficClient[];
  close(): Promise<void>;
}

/** Sets the scene, and has what happens in it recorded. */
export function openScene(options: DemoOptions, record: DemoRecord): Promise<Scene> {
  return options.path === undefined ? openEmbedded(options, record) : openMounted(options, record);
}

/** The kubelet and the service of another process. */
async function openEmbedded({ naive, rotateEverySeconds }: DemoOptions, record: DemoRecord): Promise<Scene> {
  const world = await World.start(rotateEverySeconds, (event) => {
    // No client of the naive way uses the Vault.
    if (event.type === 'swapped') record.swapped(event);
    else if (!naive) recordVault(event, record);
    if (naive) record.rotations = record.tokens.length - 1;
  });
  const { path, audience, url, vault } = world.address;
  // The tokens of the demo live for seconds: the usual margin of 10 s would be all of it.
  const provider = naive
    ? undefined
    : await ProjectedTokenProvider.open({ path, audience, expiryMarginSeconds: 1 }).catch(async (error) => {
        await world.stop();
        throw error;
      });
  if (provider !== undefined) recordEvents(provider, record);
  const clients = provider === undefined ? naiveClients(new NaiveToken(path), url) : clientsWithToken(provider, url);
  const vaultClient = provider === undefined ? undefined : await VaultClient.open(vault, provider, record);
  const traffic = countedClients(clients, record, vaultClient && { send: vaultClient.send, address: vault.address });
  const way = naive ? 'the naive way: read the file once, and again every 60 s' : 'through every rotation';
  const kubelet = `Process ${world.pid} rotates the token every ${rotateEverySeconds} s and refuses the old one from then on`;
  return {
    title: `projected-token: ${way}`,
    subtitle: naive ? `${kubelet}.` : `${kubelet}; its Vault revokes and restarts.`,
    clients: traffic.clients,
    async close() {
      traffic.stopCounting();
      await vaultClient?.close();
      await provider?.close();
      await world.stop();
    },
  };
}

/** A token that a real kubelet has mounted. */
async function openMounted({ path, audience, url }: DemoOptions, record: DemoRecord): Promise<Scene> {
  const provider = await ProjectedTokenProvider.open({ path, audience });
  record.seen(provider.current!);
  provider.on('rotated', ({ current }) => record.seen(current));
  recordEvents(provider, record);
  const traffic = url === undefined ? undefined : countedClients(clientsWithToken(provider, url), record);
  return {
    title: `projected-token: ${path}`,
    subtitle: url === undefined ? 'The life of the token; --url sends requests with it.' : `Requests to ${url}`,
    clients: traffic?.clients ?? [],
    async close() {
      traffic?.stopCounting();
      await provider.close();
    },
  };
}

function recordEvents(provider: ProjectedTokenProvider, record: DemoRecord): void {
  provider.on('rotated', ({ current }) => record.rotated(current));
  provider.on('rejected', ({ error }) => record.notify(error.message));
  provider.on('overdue', () => record.notify('The rotation of the token is overdue.'));
  provider.on('expired', () => record.notify('The token has expired.'));
  provider.on('recovered', () => record.notify('There is a usable token again.'));
}

function recordVault({ type }: WorldEvent, record: DemoRecord): void {
  switch (type) {
    case 'vault-revoked':
      record.vault.revocations++;
      record.notify('Vault revoked all its tokens.');
      break;
    case 'vault-restarts':
      record.vault.restarts++;
      record.notify('Vault restarts.');
  }
}

function countedClients(clients: DemoClients, record: DemoRecord, vault?: { send: Send; address: string }) {
  const fetchClient = { record: record.addClient('fetch'), send: clients.fetch };
  const axiosClient = { record: record.addClient('axios'), send: clients.axios };
  const vaultClient = vault && { record: record.addClient('vault (axios)'), send: vault.send };
  return {
    clients: [fetchClient, axiosClient, ...(vaultClient === undefined ? [] : [vaultClient])],
    stopCounting: countAnswers({
      fetch: fetchClient.record,
      http: axiosClient.record,
      vault: vault && vaultClient && { record: vaultClient.record, host: new URL(vault.address).host },
    }),
  };
}
