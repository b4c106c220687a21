import { EmbeddedVault, type EmbeddedVaultOptions, type EmbeddedVaultRole } from 'projected-token/testing';
import { type VaultTokenEvents, VaultTokenProvider, type VaultTokenProviderOptions } from 'projected-token/vault';
import { passSecondsSlowly } from './fake-clock.js';
import { createTestCluster, SettableSource, type TestCluster } from './federation.js';

type Payload<Name extends keyof VaultTokenEvents> = Parameters<VaultTokenEvents[Name]>[0];

/** A Vault, the cluster whose tokens it takes, and a service account token to log in with. */
export class VaultScene {
  readonly #providers: VaultTokenProvider[] = [];

  private constructor(
    readonly cluster: TestCluster,
    readonly vault: EmbeddedVault,
    readonly source: SettableSource,
  ) {}

  /** @param role - what the role `app` has other than a TTL of an hour */
  static async start(
    role: Partial<EmbeddedVaultRole> = {},
    options: Partial<EmbeddedVaultOptions> = {},
  ): Promise<VaultScene> {
    const cluster = await createTestCluster();
    const app = { serviceAccounts: ['app'], namespaces: ['demo'], audience: 'vault', ttlSeconds: 3600, ...role };
    const secrets = { shop: { password: 'correct horse' } };
    const vault = await EmbeddedVault.start({ trust: cluster, roles: { app }, secrets, ...options });
    return new VaultScene(cluster, vault, new SettableSource(await cluster.mint({ audience: 'vault' })));
  }

  /** A provider that does nothing yet; it ends with the scene. */
  provider(options: Partial<VaultTokenProviderOptions> = {}): VaultTokenProvider {
    const { vault, source } = this;
    const provider = new VaultTokenProvider({ address: vault.origin, role: 'app', source, ca: vault.ca, ...options });
    this.#providers.push(provider);
    return provider;
  }

  open(options: Partial<VaultTokenProviderOptions> = {}): Promise<VaultTokenProvider> {
    return this.provider(options).start();
  }

  /** The service account token is replaced, as the kubelet does it. */
  async rotate(): Promise<string> {
    this.source.current = await this.cluster.mint({ audience: 'vault' });
    return this.source.current;
  }

  /** The requests that Vault was asked, such as `login 200`: the last part of the path, and the status. */
  get requests(): string[] {
    return this.vault.requests.map(({ path, status }) => `${path.split('/').at(-1)} ${status}`);
  }

  async close(): Promise<void> {
    await Promise.all(this.#providers.map((provider) => provider.close()));
    await this.vault.close();
  }
}

/** Resolves with the payload of the next event of this name. */
export function nextEvent<Name extends keyof VaultTokenEvents>(
  provider: VaultTokenProvider,
  name: Name,
): Promise<Payload<Name>> {
  return new Promise((resolve) => {
    provider.once(name, ((payload: Payload<Name>) => resolve(payload)) as never);
  });
}

/** Lets the time of the test pass until the provider tells of an event. */
export async function passUntilTold<Name extends keyof VaultTokenEvents>(
  provider: VaultTokenProvider,
  name: Name,
  mostSeconds: number,
): Promise<Payload<Name>> {
  let isTold = false;
  const told = nextEvent(provider, name).then((payload) => {
    isTold = true;
    return payload;
  });
  await passSecondsSlowly(mostSeconds, () => isTold);
  return told;
}

/** All events, in the order in which they were told: names, and what came with them. */
export function recordEvents(provider: VaultTokenProvider): { names: string[]; payloads: unknown[] } {
  const told = { names: [] as string[], payloads: [] as unknown[] };
  for (const name of ['login', 'renewed', 'expired', 'error', 'closed'] as const) {
    provider.on(name, ((payload: unknown) => {
      told.names.push(name);
      told.payloads.push(payload);
    }) as never);
  }
  return told;
}
