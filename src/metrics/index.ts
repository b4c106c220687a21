/**
 * Metrics of providers, exchanges and verifiers for OpenTelemetry and Prometheus.
 *
 * @module projected-token/metrics
 */
export type { ExchangeFigures, ExchangeIdentity } from '../exchange/exchange-figures.js';
export type { IssuerFigures, VerificationOutcome, VerifierFigures } from '../verify/verifier-figures.js';
export type { ObservableExchange } from './exchange-instruments.js';
export type { ObservableSource } from './observable.js';
export { type OpenTelemetryOptions, observeWithOpenTelemetry } from './open-telemetry.js';
export { observeWithPrometheus, type PrometheusClient, type PrometheusOptions } from './prometheus.js';
export type { ObservableVerifier } from './verifier-instruments.js';
