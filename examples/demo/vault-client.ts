import { setTimeout as pause } from 'node:timers/promises';
import axios from 'axios';
import type { TokenSource } from 'projected-token';
import { withToken } from 'projected-token/axios';
import { VaultTokenProvider } from 'projected-token/vault';
import type { DemoRecord } from './demo-record.js';
import type { Send } from './traffic.js';
import type { VaultAddress } from './world.js';

const RETRY_PAUSE_MS = 50;

/** Logs in to Vault with the service account tokens of a source, and reads a secret with the Vault tokens. */
export class VaultClient {
  private constructor(
    private readonly tokens: VaultTokenProvider,
    readonly send: Send,
  ) {}

  static async open(vault: VaultAddress, source: TokenSource, record: DemoRecord): Promise<VaultClient> {
    const tokens = new VaultTokenProvider({ address: vault.address, role: vault.role, source });
    const { vault: counts } = record;
    tokens.on('login', () => counts.logins++);
    tokens.on('renewed', () => counts.renewals++);
    await tokens.start();
    const client = withToken(axios.create({ baseURL: vault.address, validateStatus: null }), tokens);
    return new VaultClient(tokens, async (signal) => {
      for (;;) {
        try {
          return (await client.get(vault.secret, { signal })).status;
        } catch (error) {
          // While Vault restarts, its clients come again, as its own command line does: a token cannot mend that.
          if (signal.aborted || !axios.isAxiosError(error) || error.response !== undefined) throw error;
          counts.unreachable++;
          await pause(RETRY_PAUSE_MS, undefined, { signal });
        }
      }
    });
  }

  close(): Promise<void> {
    return this.tokens.close();
  }
}
