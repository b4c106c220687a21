import { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { ProjectedTokenProvider, type TokenFileSystem } from 'projected-token';
import { VaultTokenProvider } from 'projected-token/vault';
import { createTokenVerifier, type RequestDispatcher } from 'projected-token/verify';
import type { TokenTimes } from '../../bench/simulation/kubelet-policy.js';
import { SimulatedVolume } from '../../bench/simulation/simulated-volume.js';
import { VirtualClock } from '../../bench/simulation/virtual-clock.js';
import { familyOf, type ObservableSource } from '../../src/metrics/observable.js';
import { prometheusName } from '../../src/metrics/prometheus.js';

/** When the programs start: on the first scrape, the expressions of a test begin at 0. */
export const START_MS = Date.UTC(2026, 0, 1);

/** How often Prometheus scrapes, in milliseconds. */
export const SCRAPE_INTERVAL_MS = 60_000;

/** What the servers of the program answer at a moment. */
export interface Servers {
  /** Status of Vault's answers; undefined while it cannot be reached. */
  vault: number | undefined;
  /** Whether the issuer, which is the API server as well, can be reached. */
  issuer: boolean;
  /** Status of the answers to TokenReviews. */
  reviews: number;
}

/** A pod with a token of its own. */
export interface ObservedPod {
  readonly volume: SimulatedVolume;
  readonly provider: ProjectedTokenProvider;
}

/** What is observed, with the samples of each of its series: names are made once, not at each of a million samples. */
interface Observed {
  readonly pod: string;
  readonly source: ObservableSource;
  readonly columns: Map<string, (number | undefined)[]>;
}

/**
 * Pods with a provider each, and a program with a Vault login and a verifier, all of them the library's own, on a clock that is told
 * the time.
 */
export class ObservedProgram {
  readonly servers: Servers = { vault: 200, issuer: true, reviews: 201 };
  readonly clock = new VirtualClock(START_MS);
  /** Samples of each series, one a scrape. */
  readonly series = new Map<string, (number | undefined)[]>();
  readonly pods: ObservedPod[] = [];
  #verify!: (token: string) => Promise<unknown>;
  #vault!: VaultTokenProvider;
  readonly #observed: Observed[] = [];
  #scrapes = 0;
  #logins = 0;

  /** Starts with a token for each pod. The clock is installed until {@link end}. */
  static async start(
    tokens: readonly TokenTimes[],
    { isWatchable = true, isReviewing = false } = {},
  ): Promise<ObservedProgram> {
    const program = new ObservedProgram();
    program.clock.install();
    for (const token of tokens) {
      const volume = new SimulatedVolume();
      volume.write(jwtOf(token));
      // Events tell of every write here, and reads for safety's sake would take most of the time of the test.
      const [fs, pollIntervalMs] = isWatchable ? [volume, 600_000] : [withoutWatches(volume), 60_000];
      const provider = await ProjectedTokenProvider.open({ path: volume.path, fs, pollIntervalMs });
      program.pods.push({ volume, provider });
      program.#observe(`shop-${program.pods.length}`, provider);
    }
    program.#vault = new VaultTokenProvider({
      address: 'https://vault.example',
      role: 'shop',
      source: program.pods[0]!.provider,
      dispatcher: dispatcherOf(() => program.#answerOfVault()),
    });
    const verifier = createTokenVerifier({
      issuer: ISSUER,
      audience: 'vault',
      ...(isReviewing && { method: 'token-review', apiServer: ISSUER }),
      dispatcher: dispatcherOf((path) => program.#answerOfIssuer(path)),
    });
    program.#verify = (text) => verifier.verify(text);
    program.#observe('shop-1', program.#vault);
    program.#observe('shop-1', verifier);
    void program.#vault.start().catch(() => {});
    await program.#settle();
    return program;
  }

  /** The kubelet replaces the token of a pod. */
  write(pod: number, times: TokenTimes): void {
    this.pods[pod]!.volume.write(jwtOf(times));
  }

  /** Lets time pass up to the next scrape, with what happens before it, and takes the samples. */
  async scrape(happenings: readonly { readonly atMs: number; happen(): unknown }[] = []): Promise<void> {
    for (const { atMs, happen } of happenings) {
      await this.clock.advanceTo(atMs);
      await happen();
      await this.#settle();
    }
    const nowMs = START_MS + this.#scrapes * SCRAPE_INTERVAL_MS;
    await this.clock.advanceTo(nowMs);
    await this.#settle();
    for (const observed of this.#observed) this.#sample(observed, nowMs);
    this.#scrapes++;
  }

  /** What Prometheus stores of a scrape; that the exporter says the same is shown by test/metrics. */
  #sample({ pod, source, columns }: Observed, nowMs: number): void {
    for (const instrument of familyOf(source).instruments) {
      for (const { value, attributes = {} } of instrument.measure(source as never, nowMs)) {
        const key = `${instrument.name} ${Object.values(attributes).join()}`;
        let samples = columns.get(key);
        if (samples === undefined) {
          samples = Array(this.#scrapes);
          columns.set(key, samples);
          this.series.set(seriesName(pod, source, prometheusName(instrument), attributes), samples);
        }
        samples[this.#scrapes] = value;
      }
    }
  }

  #observe(pod: string, source: ObservableSource): void {
    this.#observed.push({ pod, source, columns: new Map() });
  }

  /** Verifies a token, as a request that comes in. */
  receive(token: string): Promise<void> {
    return this.#verify(token).then(
      () => {},
      () => {},
    );
  }

  async end(): Promise<void> {
    this.servers.vault = 200;
    const closed = Promise.all([this.#vault.close(), ...this.pods.map(({ provider }) => provider.close())]);
    await this.#settle();
    await this.clock.advanceTo(this.clock.nowMs + 10_000);
    await closed;
    this.clock.uninstall();
  }

  /** Requests go through several turns of the event loop. */
  async #settle(): Promise<void> {
    for (let turn = 0; turn < 8; turn++) await nextTurn();
  }

  #answerOfVault(): Answer {
    const { vault } = this.servers;
    if (vault === undefined) throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    if (vault !== 200) return { status: vault, body: { errors: ['permission denied'] } };
    const auth = { client_token: `hvs.${++this.#logins}`, lease_duration: 3600, renewable: false, policies: ['shop'] };
    return { status: 200, body: { auth } };
  }

  #answerOfIssuer(path: string): Answer {
    if (!this.servers.issuer) throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    if (path.endsWith('/tokenreviews')) return { status: this.servers.reviews, body: { status: REVIEWED } };
    const isDiscovery = path.startsWith('/.well-known/');
    return { status: 200, body: isDiscovery ? { issuer: ISSUER, jwks_uri: `${ISSUER}/keys` } : KEYS };
  }
}

/** The issuer of the tokens that the program verifies. */
export const ISSUER = 'https://issuer.example';
/** Whom the API server says that every token is of. */
const REVIEWED = {
  authenticated: true,
  audiences: ['vault'],
  user: { username: 'system:serviceaccount:shop:checkout' },
};

let KEYS: { keys: readonly unknown[] } = { keys: [] };

/** Sets the keys that the issuer publishes. */
export function publish(keys: readonly unknown[]): void {
  KEYS = { keys };
}

/** A series as Prometheus names it, with the labels that it adds. */
function seriesName(
  pod: string,
  source: ObservableSource,
  metric: string,
  attributes: Readonly<Record<string, string>>,
): string {
  const { identity, identify } = familyOf(source);
  const values = identify(source as never);
  const labels = [
    ...identity.map(({ label }, index) => [label, values[index]]),
    ...Object.entries(attributes),
    ['namespace', 'shop'],
    ['pod', pod],
  ];
  return `${metric}{${labels.map(([label, value]) => `${label}="${value}"`).join(',')}}`;
}

/** The same volume on a node that is out of inotify watches. */
function withoutWatches({ promises }: SimulatedVolume): TokenFileSystem {
  return {
    promises,
    watch() {
      throw Object.assign(new Error('ENOSPC: System limit for number of file watchers reached'), { code: 'ENOSPC' });
    },
  };
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

function dispatcherOf(answer: (path: string) => Answer): RequestDispatcher {
  return {
    async request({ path }) {
      const { status, body } = answer(path);
      return {
        statusCode: status,
        headers: { 'content-type': 'application/json' },
        body: Readable.from([Buffer.from(JSON.stringify(body))]),
      };
    },
  };
}

/** A token as the provider reads it: it does not look at signatures. */
function jwtOf({ issuedAtMs, expiresAtMs, warnAfterMs }: TokenTimes): string {
  const iat = issuedAtMs / 1000;
  const kubernetes = { namespace: 'shop', ...(warnAfterMs !== undefined && { warnafter: warnAfterMs / 1000 }) };
  const parts = [{ alg: 'ES256' }, { iat, nbf: iat, exp: expiresAtMs / 1000, 'kubernetes.io': kubernetes }];
  return `${parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.c2ln`;
}
