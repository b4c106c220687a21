import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { inspect } from 'node:util';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import { createFsFromVolume, Volume } from 'memfs';
import { ProjectedTokenProvider, type ProviderDiagnosticsMessage } from 'projected-token';
import { observeWithOpenTelemetry, observeWithPrometheus } from 'projected-token/metrics';
import { mintToken, TokenVolume } from 'projected-token/testing';
import * as client from 'prom-client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FAMILIES } from '../../src/metrics/observable.js';
import { prometheusName } from '../../src/metrics/prometheus.js';
import { PROVIDER_INSTRUMENTS } from '../../src/metrics/provider-instruments.js';

const NOW = new Date('2026-03-01T12:00:00Z');
const fs = createFsFromVolume(new Volume());
let volume: TokenVolume;
let provider: ProjectedTokenProvider;
const tokens: string[] = [];

async function write(expiresInSeconds: number): Promise<void> {
  const token = await mintToken({ expiresInSeconds });
  tokens.push(token);
  volume.write(token);
}

beforeEach(async () => {
  vi.useFakeTimers({ now: NOW, toFake: ['Date', 'setTimeout', 'clearTimeout'] });
  volume = TokenVolume.temporary('/tokens', { fs });
  await write(1000);
  provider = await ProjectedTokenProvider.open({ path: volume.path, fs });
});

afterEach(async () => {
  await provider.close();
  vi.useRealTimers();
});

async function rotate(): Promise<void> {
  const rotated = new Promise((resolve) => provider.once('rotated', resolve));
  await write(2000);
  await rotated;
}

describe('observeWithPrometheus', () => {
  async function scrape(registry: client.Registry): Promise<string> {
    return registry.metrics();
  }

  it('exports age, time until refresh and time until expiry of the token in use', async () => {
    const registry = new client.Registry();
    observeWithPrometheus(provider, { client, registry });
    vi.setSystemTime(NOW.getTime() + 100_000);
    const text = await scrape(registry);
    expect(text).toContain(`projected_token_age_seconds{path="${volume.path}"} 100\n`);
    expect(text).toContain(`projected_token_time_until_refresh_seconds{path="${volume.path}"} 700\n`);
    expect(text).toContain(`projected_token_time_until_expiry_seconds{path="${volume.path}"} 900\n`);
  });

  it('counts rotations, rejected candidates, refused requests and reads by trigger, once a scrape', async () => {
    const registry = new client.Registry();
    observeWithPrometheus(provider, { client, registry });
    await rotate();
    await provider.replaceToken('refused by a server');
    const rejected = new Promise((resolve) => provider.once('rejected', resolve));
    volume.corrupt();
    await rejected;
    await scrape(registry);
    const text = await scrape(registry);
    const { counts } = provider.status;
    expect(text).toContain(`projected_token_rotations_total{path="${volume.path}"} 1\n`);
    expect(text).toContain(`projected_token_refused_requests_total{path="${volume.path}"} 1\n`);
    expect(text).toContain(`projected_token_rejected_candidates_total{path="${volume.path}"} ${counts.rejections}\n`);
    expect(text).toContain(
      `projected_token_reads_total{path="${volume.path}",trigger="event"} ${counts.reads.event}\n`,
    );
    expect(text).toContain(`projected_token_reads_total{path="${volume.path}",trigger="open"} 1\n`);
  });

  it('says which state and which watch mode the provider is in', async () => {
    const registry = new client.Registry();
    observeWithPrometheus(provider, { client, registry });
    let text = await scrape(registry);
    expect(text).toContain(`projected_token_state{path="${volume.path}",state="ready"} 1\n`);
    expect(text).toContain(`projected_token_state{path="${volume.path}",state="expired"} 0\n`);
    expect(text).toContain(`projected_token_watch_mode{path="${volume.path}",mode="events"} 1\n`);
    expect(text).toContain(`projected_token_rotation_overdue{path="${volume.path}"} 0\n`);
    await vi.advanceTimersByTimeAsync(950_000);
    expect(await scrape(registry)).toContain(`projected_token_rotation_overdue{path="${volume.path}"} 1\n`);
    await vi.advanceTimersByTimeAsync(60_000);
    text = await scrape(registry);
    expect(text).toContain(`projected_token_state{path="${volume.path}",state="expired"} 1\n`);
    expect(text).not.toContain('projected_token_age_seconds{');
  });

  it('exports several providers, and nothing once it was stopped', async () => {
    const other = TokenVolume.temporary('/tokens', { fs });
    other.write(await mintToken({ expiresInSeconds: 500 }));
    await using second = await ProjectedTokenProvider.open({ path: other.path, fs });
    const registry = new client.Registry();
    const stop = observeWithPrometheus([provider, second], { client, registry });
    const text = await scrape(registry);
    expect(text).toContain(`projected_token_time_until_expiry_seconds{path="${volume.path}"} 1000\n`);
    expect(text).toContain(`projected_token_time_until_expiry_seconds{path="${other.path}"} 500\n`);
    stop();
    expect((await scrape(registry)).trim()).toBe('');
  });

  it('follows the naming rules of Prometheus', () => {
    for (const instrument of FAMILIES.flatMap(({ instruments }) => instruments)) {
      const name = prometheusName(instrument);
      expect(name).toMatch(/^projected_token_[a-z_]+$/);
      expect(name.endsWith('_total')).toBe(instrument.kind === 'counter');
      if (instrument.unit === 's') expect(name).toMatch(/_seconds$/);
    }
  });
});

describe('observeWithOpenTelemetry', () => {
  class OnDemandReader extends MetricReader {
    protected override async onForceFlush(): Promise<void> {}
    protected override async onShutdown(): Promise<void> {}
  }

  function setUp() {
    const reader = new OnDemandReader();
    const meterProvider = new MeterProvider({ readers: [reader] });
    const collect = async () => {
      const { scopeMetrics } = (await reader.collect()).resourceMetrics;
      const metrics = scopeMetrics.flatMap((scope) => scope.metrics);
      return new Map(metrics.map((metric) => [metric.descriptor.name, metric]));
    };
    return { meter: meterProvider.getMeter('test'), meterProvider, collect };
  }

  it('exports every instrument with its unit, and the file as an attribute', async () => {
    const { meter, meterProvider, collect } = setUp();
    observeWithOpenTelemetry(provider, { meter });
    vi.setSystemTime(NOW.getTime() + 100_000);
    await rotate();
    vi.setSystemTime(NOW.getTime() + 150_000);
    const metrics = await collect();
    expect([...metrics.keys()].sort()).toEqual(
      PROVIDER_INSTRUMENTS.map(({ name }) => `projected_token.${name}`).sort(),
    );
    expect(metrics.get('projected_token.age')).toMatchObject({
      descriptor: { unit: 's' },
      dataPoints: [{ value: 50, attributes: { 'file.path': volume.path } }],
    });
    expect(metrics.get('projected_token.time_until_expiry')?.dataPoints[0]?.value).toBe(1950);
    expect(metrics.get('projected_token.time_until_refresh')?.dataPoints[0]?.value).toBe(1550);
    expect(metrics.get('projected_token.rotations')?.dataPoints[0]?.value).toBe(1);
    const reads = metrics.get('projected_token.reads')!.dataPoints;
    expect(reads.find(({ attributes }) => attributes['projected_token.trigger'] === 'open')?.value).toBe(1);
    await meterProvider.shutdown();
  });

  it('takes the attributes of the program, and stops with the provider', async () => {
    const { meter, meterProvider, collect } = setUp();
    observeWithOpenTelemetry(provider, { meter, attributes: { 'service.name': 'shop' } });
    const metrics = await collect();
    expect(metrics.get('projected_token.age')?.dataPoints[0]?.attributes).toEqual({ 'service.name': 'shop' });
    await provider.close();
    const after = await collect();
    // The SDK repeats the last values; that of a provider still observed would be another one now.
    const states = after.get('projected_token.state')!.dataPoints;
    const closed = states.find(({ attributes }) => attributes['projected_token.state'] === 'closed');
    expect(closed?.value).toBe(0);
    await meterProvider.shutdown();
  });
});

describe('diagnostics channels', () => {
  it('publish each event with what may be shown of the tokens', async () => {
    const messages: ProviderDiagnosticsMessage[] = [];
    const onMessage = (message: unknown) => void messages.push(message as ProviderDiagnosticsMessage);
    for (const event of ['rotated', 'rejected', 'closed']) subscribe(`projected-token:${event}`, onMessage);
    try {
      const previous = provider.current!.fingerprint;
      await rotate();
      const current = provider.current!.fingerprint;
      const rejected = new Promise((resolve) => provider.once('rejected', resolve));
      volume.corrupt();
      await rejected;
      await provider.close();
      expect(messages).toMatchObject([
        { path: volume.path, previous: { fingerprint: previous }, current: { fingerprint: current } },
        { path: volume.path, error: { code: 'ERR_TOKEN_MALFORMED' } },
        { path: volume.path },
      ]);
      const shown = inspect(messages, { depth: 20, showHidden: true });
      for (const token of tokens) expect(shown).not.toContain(token.split('.')[2]!.slice(0, 12));
    } finally {
      for (const event of ['rotated', 'rejected', 'closed']) unsubscribe(`projected-token:${event}`, onMessage);
    }
  });
});
