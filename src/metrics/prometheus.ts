import type { Registry } from 'prom-client';
import type { ProjectedTokenProvider } from '../provider/projected-token-provider.js';
import { INSTRUMENTS, type Instrument } from './instruments.js';

/** The part of `prom-client` that is used: the program hands its own copy in, so that this library needs none. */
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
 * Exports the figures of providers as Prometheus metrics `projected_token_*`, labelled with the `path` of each. They are
 * computed at each scrape.
 *
 * @param providers - one provider, or all of the program: a metric is registered once a registry
 * @returns a function that removes the metrics from the registry
 *
 * @example
 * ```ts
 * import * as client from 'prom-client';
 * observeWithPrometheus(provider, { client });
 * ```
 *
 * @see https://prometheus.io/docs/practices/naming/ for the rules of the names
 */
export function observeWithPrometheus(
  providers: ProjectedTokenProvider | readonly ProjectedTokenProvider[],
  options: PrometheusOptions,
): () => void {
  const { client, registry = client.register } = options;
  const all: readonly ProjectedTokenProvider[] = Array.isArray(providers) ? providers : [providers];
  const names = INSTRUMENTS.map((instrument) => {
    const name = prometheusName(instrument);
    const labelNames = ['path', ...(instrument.attribute === undefined ? [] : [instrument.attribute])];
    const configuration = { name, help: instrument.description, labelNames, registers: [registry] };
    const forEach = (record: (labels: Record<string, string>, value: number) => void) => {
      const nowMs = Date.now();
      for (const provider of all) {
        for (const { value, attribute } of instrument.measure(provider, nowMs)) {
          const own = instrument.attribute && { [instrument.attribute]: attribute };
          record({ path: provider.status.path, ...own }, value);
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
  return () => {
    for (const name of names) registry.removeSingleMetric(name);
  };
}

/** Base units in the name, and `_total` at the end of counters. */
export function prometheusName({ name, kind, unit }: Instrument): string {
  const suffix = kind === 'counter' ? '_total' : unit === 's' ? '_seconds' : '';
  return `projected_token_${name}${suffix}`;
}
