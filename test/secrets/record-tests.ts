// Setup of the recorded run, in each test file: writes down what the library gives to the program that uses it.
import { subscribe } from 'node:diagnostics_channel';
import { inspect } from 'node:util';
import { afterAll, afterEach, expect } from 'vitest';

type Write = (source: string, text: string, during?: string) => void;

const write = (globalThis as never as { [key: symbol]: Write })[Symbol.for('projected-token:record')]!;
const record = (source: string, ...values: unknown[]) =>
  write(source, values.map(shown).join('\n'), expect.getState().currentTestName);

recordErrors();
// Only now: their classes of errors are made of the classes that were there when they were loaded.
await recordEvents();
await recordMetrics();
for (const event of [
  'rotated',
  'rejected',
  'overdue',
  'expired',
  'recovered',
  'degraded',
  'restored',
  'error',
  'closed',
]) {
  subscribe(`projected-token:${event}`, (message) => record('diagnostics', message));
}

/** Every error that is made from here on, once it has its fields. */
function recordErrors(): void {
  const made: unknown[] = [];
  const flush = () => record('error', ...made.splice(0));
  for (const name of ['Error', 'TypeError', 'RangeError', 'SyntaxError', 'AggregateError'] as const) {
    const construct = (target: object, args: unknown[], newTarget: object) => {
      const error = Reflect.construct(target as never, args, newTarget as never) as object;
      if (made.push(error) > 1000) flush();
      return error;
    };
    globalThis[name] = new Proxy(globalThis[name], {
      construct,
      apply: (target, _, args) => construct(target, args, target),
    }) as never;
  }
  afterEach(flush);
  afterAll(flush);
}

/** Every event, and the status of the provider that tells it. */
async function recordEvents(): Promise<void> {
  const { GuardedEmitter } = await import('../../src/internal/guarded-emitter.js');
  const { emit } = GuardedEmitter.prototype;
  GuardedEmitter.prototype.emit = function (this: { status?: unknown }, ...event: Parameters<typeof emit>) {
    record('event', ...event);
    record('snapshot', this.status, ...event.slice(1).flatMap((payload) => Object.values(payload ?? {})));
    return emit.apply(this as never, event);
  };
}

async function recordMetrics(): Promise<void> {
  const { Registry } = await import('prom-client');
  const { metrics } = Registry.prototype;
  Registry.prototype.metrics = async function () {
    const text = await metrics.call(this);
    record('metric', text);
    return text;
  };
  const { MetricReader } = await import('@opentelemetry/sdk-metrics');
  const { collect } = MetricReader.prototype;
  MetricReader.prototype.collect = async function (...args) {
    const collected = await collect.apply(this, args);
    record('metric', collected);
    return collected;
  };
}

/** A value in the ways in which programs log one. */
function shown(value: unknown): string {
  const ways = [String(value), inspect(value, { depth: 5 }), json(value)];
  if (value instanceof Error) ways.push(String(value.stack), json({ ...value }));
  if (typeof value === 'object' && value !== null) ways.push(inspect({ ...value }, { depth: 5 }));
  return ways.join('\n');
}

/** JSON of a value that may hold itself; bytes as they are. */
function json(value: unknown): string {
  const seen = new WeakSet();
  return String(
    JSON.stringify(value, function (this: Record<string, unknown>, name, member: unknown) {
      const bytes = this[name];
      if (bytes instanceof Uint8Array) return Buffer.from(bytes).toString('latin1');
      if (typeof member === 'bigint') return String(member);
      if (typeof member !== 'object' || member === null) return member;
      if (seen.has(member)) return '[seen]';
      seen.add(member);
      return member;
    }),
  );
}
