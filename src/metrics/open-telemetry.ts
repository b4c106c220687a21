import type { Attributes, BatchObservableResult, Meter, Observable } from '@opentelemetry/api';
import type { ProjectedTokenProvider } from '../provider/projected-token-provider.js';
import { INSTRUMENTS, type Instrument } from './instruments.js';

/** Options of {@link observeWithOpenTelemetry}. */
export interface OpenTelemetryOptions {
  /** Meter of the program, such as `metrics.getMeter('my-service')`. */
  readonly meter: Meter;
  /**
   * Attributes of every measurement, to tell several providers apart.
   *
   * @default { 'file.path': provider.status.path }
   */
  readonly attributes?: Attributes;
}

/**
 * Exports the figures of a provider as OpenTelemetry instruments `projected_token.*`. They are observed when a reader
 * collects them: between collections they cost nothing.
 *
 * @returns a function that ends the export; closing the provider does as well
 *
 * @example
 * ```ts
 * import { metrics } from '@opentelemetry/api';
 * observeWithOpenTelemetry(provider, { meter: metrics.getMeter('my-service') });
 * ```
 *
 * @see https://opentelemetry.io/docs/specs/semconv/general/metrics/ for the rules of the names and units
 */
export function observeWithOpenTelemetry(provider: ProjectedTokenProvider, options: OpenTelemetryOptions): () => void {
  const { meter, attributes = { 'file.path': provider.status.path } } = options;
  const observables = INSTRUMENTS.map((instrument) => ({
    instrument,
    observable: createObservable(meter, instrument),
  }));
  const observe = (result: BatchObservableResult) => {
    const nowMs = Date.now();
    for (const { instrument, observable } of observables) {
      for (const { value, attribute } of instrument.measure(provider, nowMs)) {
        const own = instrument.attribute && { [`projected_token.${instrument.attribute}`]: attribute };
        result.observe(observable, value, { ...attributes, ...own });
      }
    }
  };
  const all = observables.map(({ observable }) => observable);
  meter.addBatchObservableCallback(observe, all);
  const stop = () => meter.removeBatchObservableCallback(observe, all);
  provider.once('closed', stop);
  return stop;
}

function createObservable(meter: Meter, { name, kind, unit, description }: Instrument): Observable {
  const options = { unit, description };
  const fullName = `projected_token.${name}`;
  return kind === 'counter'
    ? meter.createObservableCounter(fullName, options)
    : meter.createObservableGauge(fullName, options);
}
