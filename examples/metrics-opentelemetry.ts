/**
 * OpenTelemetry metrics of a token, here written to the console.
 *
 * Run: npx tsx examples/metrics-opentelemetry.ts
 * Environment: TOKEN_PATH (default /var/run/secrets/tokens), TOKEN_AUDIENCE
 */
import { metrics } from '@opentelemetry/api';
import { ConsoleMetricExporter, MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { ProjectedTokenProvider } from 'projected-token';
import { observeWithOpenTelemetry } from 'projected-token/metrics';

// What a program has already, with an exporter for its collector.
const reader = new PeriodicExportingMetricReader({ exporter: new ConsoleMetricExporter() });
const meterProvider = new MeterProvider({ readers: [reader] });
metrics.setGlobalMeterProvider(meterProvider);

const provider = await ProjectedTokenProvider.open({
  path: process.env.TOKEN_PATH,
  audience: process.env.TOKEN_AUDIENCE,
});
observeWithOpenTelemetry(provider, { meter: metrics.getMeter('my-service') });

// Exports once more, before the provider ends its part.
await meterProvider.shutdown();
await provider.close();
