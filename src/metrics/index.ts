/**
 * Figures of a provider for OpenTelemetry and Prometheus.
 *
 * @module projected-token/metrics
 */
export { type OpenTelemetryOptions, observeWithOpenTelemetry } from './open-telemetry.js';
export { observeWithPrometheus, type PrometheusClient, type PrometheusOptions } from './prometheus.js';
