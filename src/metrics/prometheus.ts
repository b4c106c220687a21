import type { Registry } from 'prom-client';
import type { Instrument } from './instrument.js';
import { FAMILIES, type Family, familyOf, type ObservableSource } from './observable.js';

/** The part of `prom-client` that is used. The program passes its own copy, so that this library does not import it. */
export interface PrometheusClient {
  readonly register: Registry;
  readonly Gauge: typeof import('prom-client').Gauge;
  readonly Counter: typeof import('prom-client').Counter;
}

/** Options of {@link observeWithPrometheus}. */
export interface PrometheusOptions {
  /** The module `prom-client` of the program. */
  readonly client: PrometheusClient;
  /**
   * Registry for the metrics.
   *
   * @default client.register
   */
  readonly registry?: Registry;
}

/**
 * Exports the metrics of providers, exchanges and verifiers as Prometheus metrics `projected_token_*`, computed at each scrape. Labels:
 * `path` of a provider; `exchange`, `server` and `identity` of an exchange; `audience` of a verifier.
 *
 * @param observed - a `ProjectedTokenProvider`, a `VaultTokenProvider`, a `TokenRequestProvider`, a verifier, or a list: pass all of the
 * program in one call, as a registry takes each metric once
 * @returns a function that removes the metrics from the registry
 *
 * @example
 * ```ts
 * import * as client from 'prom-client';
 * observeWithPrometheus([provider, vaultTokens, verifier], { client });
 * ```
 *
 * @see https://prometheus.io/docs/practices/naming/ for the rules of the names
 */
export function observeWithPrometheus(
  observed: ObservableSource | readonly ObservableSource[],
  options: PrometheusOptions,
): () => void {
  const { client, registry = client.register } = options;
  const all: readonly ObservableSource[] = Array.isArray(observed) ? observed : [observed];
  const names = FAMILIES.flatMap((family) => {
    const members = all.filter((each) => familyOf(each) === family);
    return members.length === 0 ? [] : register(family, members, client, registry);
  });
  return () => {
    for (const name of names) registry.removeSingleMetric(name);
  };
}

function register(
  { instruments, identity, identify }: Family,
  members: readonly ObservableSource[],
  client: PrometheusClient,
  registry: Registry,
): string[] {
  const labelsOf = (member: ObservableSource) => {
    const values = identify(member as never);
    return Object.fromEntries(identity.map(({ label }, index) => [label, values[index]!]));
  };
  return instruments.map((instrument) => {
    const name = prometheusName(instrument);
    const labelNames = [...identity.map(({ label }) => label), ...(instrument.attributes ?? [])];
    const configuration = { name, help: instrument.description, labelNames, registers: [registry] };
    const forEach = (record: (labels: Record<string, string>, value: number) => void) => {
      const nowMs = Date.now();
      for (const member of members) {
        for (const { value, attributes } of instrument.measure(member as never, nowMs)) {
          record({ ...labelsOf(member), ...attributes }, value);
        }
      }
    };
    if (instrument.kind === 'counter') {
      new client.Counter({
        ...configuration,
        collect() {
          this.reset();
          forEach((labels, value) => this.inc(labels, value));
        },
      });
    } else {
      new client.Gauge({
        ...configuration,
        collect() {
          this.reset();
          forEach((labels, value) => this.set(labels, value));
        },
      });
    }
    return name;
  });
}

/** Underscores for dots, base units in the name, and `_total` at the end of counters. */
export function prometheusName({ name, kind, unit }: Instrument<never>): string {
  const suffix = kind === 'counter' ? '_total' : unit === 's' ? '_seconds' : '';
  return `projected_token_${name.replaceAll('.', '_')}${suffix}`;
}
