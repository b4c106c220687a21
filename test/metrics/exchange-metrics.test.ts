import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { inspect } from 'node:util';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { observeWithOpenTelemetry, observeWithPrometheus } from 'projected-token/metrics';
import { type ExchangeDiagnosticsMessage, VaultTokenProvider } from 'projected-token/vault';
import * as client from 'prom-client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EXCHANGE_INSTRUMENTS } from '../../src/metrics/exchange-instruments.js';
import { FAMILIES } from '../../src/metrics/observable.js';
import { ScriptedVault } from '../helpers/scripted-vault.js';

const IDENTITY = 'exchange="vault",server="https://vault.example:8200",identity="auth/kubernetes/role/shop"';
let vault: ScriptedVault;
let provider: VaultTokenProvider;

beforeEach(() => {
  vault = new ScriptedVault();
  provider = new VaultTokenProvider({
    address: 'https://vault.example:8200',
    role: 'shop',
    source: { getToken: async () => vault.jwt, replaceToken: async () => undefined },
    dispatcher: vault.dispatcher,
  });
});
afterEach(() => provider.close());

describe('an exchange as Prometheus metrics', () => {
  it('shows state, lease and expiry, logins and renewals', async () => {
    const registry = new client.Registry();
    observeWithPrometheus(provider, { client, registry });
    expect(await registry.metrics()).toContain(`projected_token_exchange_state{${IDENTITY},state="opening"} 1\n`);
    await provider.start();
    const text = await registry.metrics();
    expect(text).toContain(`projected_token_exchange_state{${IDENTITY},state="ready"} 1\n`);
    expect(text).toContain(`projected_token_exchange_lease_duration_seconds{${IDENTITY}} 3600\n`);
    expect(text).toContain(`projected_token_exchange_grants_total{${IDENTITY},grant="login"} 1\n`);
    expect(text).toContain(`projected_token_exchange_grants_total{${IDENTITY},grant="renewal"} 0\n`);
    expect(text).toContain(`projected_token_exchange_backing_off{${IDENTITY}} 0\n`);
    const seconds = (name: string) => Number(new RegExp(`${name}_seconds\\{.*\\} (.*)`).exec(text)![1]);
    expect(seconds('time_until_expiry')).toBeGreaterThan(3590);
    // Two thirds of the lease, give or take 5 %.
    expect(seconds('time_until_attempt')).toBeGreaterThan(2200);
    expect(seconds('time_until_attempt')).toBeLessThan(2600);
  });

  it('counts failures by code, and says that it is backing off', async () => {
    const registry = new client.Registry();
    observeWithPrometheus(provider, { client, registry });
    vault.status = 503;
    const failed = new Promise((resolve) => provider.once('error', resolve));
    const started = provider.start().catch(() => {});
    await failed;
    const text = await registry.metrics();
    expect(text).toContain(`projected_token_exchange_failures_total{${IDENTITY},code="ERR_EXCHANGE_UNAVAILABLE"} 1\n`);
    expect(text).toContain(`projected_token_exchange_failures_total{${IDENTITY},code="ERR_EXCHANGE_DENIED"} 0\n`);
    expect(text).toContain(`projected_token_exchange_backing_off{${IDENTITY}} 1\n`);
    await provider.close();
    await started;
  });

  it('counts a renewal as such', async () => {
    vault.leaseSeconds = 1.5;
    const renewed = new Promise((resolve) => provider.once('renewed', resolve));
    await provider.start();
    // Refreshed after a second.
    await renewed;
    expect(provider.figures.counts).toMatchObject({ logins: 1, renewals: 1 });
    expect(provider.status.counts).toMatchObject({ logins: 1, renewals: 1, failures: 0 });
  });
});

it('exports an exchange as OpenTelemetry instruments, with the names of the semantic conventions', async () => {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter });
  const meterProvider = new MeterProvider({ readers: [reader] });
  observeWithOpenTelemetry(provider, { meter: meterProvider.getMeter('test') });
  await provider.start();
  await meterProvider.forceFlush();
  const metrics = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics));
  expect(metrics.map(({ descriptor }) => descriptor.name).sort()).toEqual(
    EXCHANGE_INSTRUMENTS.map(({ name }) => `projected_token.${name}`).sort(),
  );
  const failures = metrics.find(({ descriptor }) => descriptor.name === 'projected_token.exchange.failures')!;
  expect(failures.dataPoints.map(({ attributes }) => attributes)).toContainEqual({
    'projected_token.exchange': 'vault',
    'server.address': 'vault.example',
    'server.port': 8200,
    'projected_token.identity': 'auth/kubernetes/role/shop',
    'error.type': 'ERR_EXCHANGE_DENIED',
  });
  await meterProvider.shutdown();
});

it.each([
  ['https://vault.example', 'vault.example', 443],
  ['http://localhost', 'localhost', 80],
  ['http://[::1]:8200', '::1', 8200],
])('names the server %s by its address and port, as the semantic conventions do', (origin, address, port) => {
  const attributes = FAMILIES.flatMap(({ identity }) => identity)
    .find(({ label }) => label === 'server')!
    .attributesOf(origin);
  expect(attributes).toEqual({ 'server.address': address, 'server.port': port });
});

it('publishes what happens to an exchange on diagnostics channels, without a token', async () => {
  const messages: (ExchangeDiagnosticsMessage & { event: string })[] = [];
  const listeners = ['granted', 'failed', 'closed'].map((event) => {
    const name = `projected-token:exchange:${event}`;
    const listener = (message: unknown) => void messages.push({ event, ...(message as ExchangeDiagnosticsMessage) });
    subscribe(name, listener);
    return { name, listener };
  });
  try {
    vault.status = 503;
    const failed = new Promise((resolve) => provider.once('error', resolve));
    const started = provider.start();
    await failed;
    vault.status = 200;
    await started;
    await provider.close();
  } finally {
    for (const { name, listener } of listeners) unsubscribe(name, listener);
  }
  const exchange = { kind: 'vault', server: 'https://vault.example:8200', identity: 'auth/kubernetes/role/shop' };
  expect(messages).toEqual([
    { event: 'failed', exchange, error: expect.objectContaining({ code: 'ERR_EXCHANGE_UNAVAILABLE' }) },
    { event: 'granted', exchange, isRenewal: false, expiresAt: expect.any(Date) },
    { event: 'closed', exchange },
  ]);
  const shown = inspect(messages, { depth: 20, showHidden: true });
  for (const secret of [vault.jwt, vault.token]) expect(shown).not.toContain(secret);
});
