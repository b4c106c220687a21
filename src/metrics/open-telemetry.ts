import type { Attributes, BatchObservableResult, Meter, Observable } from '@opentelemetry/api';
import type { Instrument } from './instrument.js';
import { familyOf, type ObservableSource } from './observable.js';

/** Options of {@link observeWithOpenTelemetry}. */
export interface OpenTelemetryOptions {
  /** Meter of the program, such as `metrics.getMeter('my-service')`. */
  readonly meter: Meter;
  /**
   * Attributes of every measurement, to distinguish several of the same kind.
   *
   * @default for a provider `file.path`; for an exchange `projected_token.exchange`, `server.address`, `server.port` and
   * `projected_token.identity`; for a verifier `projected_token.audience`
   */
  readonly attributes?: Attributes;
}

/** Names of the semantic conventions, for attributes that have one. */
const SEMANTIC_NAMES: Readonly<Record<string, string>> = { code: 'error.type' };

/**
 * Exports the metrics of a provider, an exchange or a verifier as OpenTelemetry instruments `projected_token.*`. They are observable
 * instruments: computed when a reader collects them.
 *
 * @param observed - a `ProjectedTokenProvider`, a `VaultTokenProvider`, a `TokenRequestProvider`, or a verifier
 * @returns a function that ends the export; closing the provider ends it too
 *
 * @example
 * ```ts
 * import { metrics } from '@opentelemetry/api';
 * observeWithOpenTelemetry(provider, { meter: metrics.getMeter('my-service') });
 * ```
 *
 * @see https://opentelemetry.io/docs/specs/semconv/general/metrics/ for the rules of the names and units
 */
export function observeWithOpenTelemetry(observed: ObservableSource, options: OpenTelemetryOptions): () => void {
  const { instruments, identity, identify } = familyOf(observed);
  const values = identify(observed as never);
  const {
    meter,
    attributes = Object.assign({}, ...identity.map(({ attributesOf }, index) => attributesOf(values[index]!))),
  } = options;
  const observables = instruments.map((instrument) => ({
    instrument,
    observable: createObservable(meter, instrument),
  }));
  const observe = (result: BatchObservableResult) => {
    const nowMs = Date.now();
    for (const { instrument, observable } of observables) {
      for (const { value, attributes: own = {} } of instrument.measure(observed as never, nowMs)) {
        const named = Object.entries(own).map(([name, of]) => [SEMANTIC_NAMES[name] ?? `projected_token.${name}`, of]);
        result.observe(observable, value, { ...attributes, ...Object.fromEntries(named) });
      }
    }
  };
  const all = observables.map(({ observable }) => observable);
  meter.addBatchObservableCallback(observe, all);
  const stop = () => meter.removeBatchObservableCallback(observe, all);
  if ('once' in observed) observed.once('closed', stop);
  return stop;
}

function createObservable(meter: Meter, { name, kind, unit, description }: Instrument<never>): Observable {
  const options = { unit, description };
  const fullName = `projected_token.${name}`;
  return kind === 'counter'
    ? meter.createObservableCounter(fullName, options)
    : meter.createObservableGauge(fullName, options);
}
