import { setInterval as keepAlive } from 'node:timers';
import { ProjectedTokenProvider } from '../projected-token-provider.js';
import { BoundToken } from '../token/bound-token.js';
import type { Command } from './arguments.js';
import { fromNow, lifetimeBar } from './lifetime.js';
import { paintFor, printable, type Terminal } from './terminal.js';

type WatchCommand = Extract<Command, { name: 'watch' }>;

// The longest that setTimeout takes: watching goes on until it is interrupted, with or without a token.
const FOR_EVER_MS = 2 ** 31 - 1;

const EVENTS = ['rotated', 'rejected', 'overdue', 'expired', 'recovered', 'degraded', 'restored', 'error'] as const;

/** `watch`: a line for each event, until SIGINT or SIGTERM. */
export async function watchToken(command: WatchCommand, terminal: Terminal): Promise<number> {
  const provider = new ProjectedTokenProvider({ ...command, readyTimeoutMs: FOR_EVER_MS });
  const isForPeople = Boolean(terminal.stdout.isTTY) && !command.json;
  const report = isForPeople ? linesFor(command, terminal, provider) : ndjson(command, terminal);
  for (const event of EVENTS) provider.on(event, (payload?: unknown) => report.tell(event, payload));
  // A provider does not keep the process alive; the seconds on the last line do.
  const ticking = keepAlive(() => report.tick?.(), 1000);
  const interrupted = new Promise<void>((resolve) => {
    terminal.once('SIGINT', resolve);
    terminal.once('SIGTERM', resolve);
  });
  const ready = provider.start().then(
    ({ current }) => report.tell('ready', { current }),
    () => undefined,
  );
  await interrupted;
  clearInterval(ticking);
  const isReady = provider.status.state === 'ready';
  await provider.close();
  await ready;
  report.end?.();
  return isReady ? 0 : 1;
}

interface Report {
  tell(event: string, payload: unknown): void;
  tick?(): void;
  end?(): void;
}

function ndjson(command: WatchCommand, { stdout }: Terminal): Report {
  return {
    tell(event, payload) {
      const line = { time: new Date(), event, ...describe(payload, command.showToken) };
      stdout.write(`${JSON.stringify(line)}\n`);
    },
  };
}

function linesFor(command: WatchCommand, { stdout, env }: Terminal, provider: ProjectedTokenProvider): Report {
  const paint = paintFor(stdout, env);
  const erase = () => stdout.write('\r\u001b[K');
  const drawLife = () => {
    const token = provider.current;
    if (token === undefined) return;
    const nowMs = Date.now();
    const bar = lifetimeBar(token, nowMs, paint);
    const expires = token.expiresAt && `expires ${fromNow(token.expiresAt, nowMs)}`;
    erase();
    // A line that wraps could not be erased.
    if ((stdout.columns ?? 80) >= 76) stdout.write([token.fingerprint, bar, expires].filter(Boolean).join('  '));
  };
  return {
    tell(event, payload) {
      erase();
      const time = new Date().toLocaleTimeString('en-GB');
      const colour = GOOD.has(event) ? 'green' : event === 'expired' || event === 'error' ? 'red' : 'yellow';
      stdout.write(`${paint('dim', time)}  ${paint(colour, event.padEnd(9))}  ${printable(sentence(payload))}\n`);
      const current = tokenOf(payload, 'current');
      if (command.showToken && current !== undefined) stdout.write(`${current.value}\n`);
      drawLife();
    },
    tick: drawLife,
    end: erase,
  };
}

const GOOD = new Set(['ready', 'rotated', 'recovered', 'restored']);

function sentence(payload: unknown): string {
  const [current, previous] = [tokenOf(payload, 'current'), tokenOf(payload, 'previous')];
  if (current !== undefined) {
    const until = current.expiresAt && `, expires ${current.expiresAt.toISOString()}`;
    return `${previous === undefined ? '' : `${previous.fingerprint} → `}${current.fingerprint}${until ?? ''}`;
  }
  if (previous !== undefined) return previous.fingerprint;
  return errorOf(payload)?.message ?? '';
}

function describe(payload: unknown, showToken: boolean): Record<string, unknown> {
  const current = tokenOf(payload, 'current');
  const error = errorOf(payload) as (Error & { code?: unknown }) | undefined;
  return {
    current,
    previous: tokenOf(payload, 'previous'),
    error: error && { code: error.code, message: error.message },
    value: showToken ? current?.value : undefined,
  };
}

function tokenOf(payload: unknown, name: string): BoundToken | undefined {
  const value = field(payload, name);
  return value instanceof BoundToken ? value : undefined;
}

function errorOf(payload: unknown): Error | undefined {
  return [payload, field(payload, 'error'), field(payload, 'reason')].find((value) => value instanceof Error);
}

function field(payload: unknown, name: string): unknown {
  return typeof payload === 'object' && payload !== null ? Reflect.get(payload, name) : undefined;
}
