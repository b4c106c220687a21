import { setInterval as keepAlive } from 'node:timers';
import { MAX_TIMER_MS } from '../internal/option-checks.js';
import { ProjectedTokenProvider } from '../provider/projected-token-provider.js';
import type { WatchCommand } from './arguments.js';
import { lineReport } from './line-report.js';
import { ndjsonReport } from './ndjson-report.js';
import type { EventDetails, WatchedEvent } from './report.js';
import { onInterrupt, type Terminal } from './terminal.js';

/** Runs `watch`: prints a line for each event, until SIGINT or SIGTERM, or until the output is closed. */
export async function watchToken(command: WatchCommand, terminal: Terminal): Promise<number> {
  // It goes on until it is interrupted, with or without a token.
  const provider = new ProjectedTokenProvider({ ...command, readyTimeoutMs: MAX_TIMER_MS });
  const isForPeople = Boolean(terminal.stdout.isTTY) && !command.json;
  const report = (isForPeople ? lineReport : ndjsonReport)(terminal, provider, command.showToken);
  let isReady = false;
  const ready = () => {
    if (isReady || provider.current === undefined) return;
    isReady = true;
    report.tell('ready', { current: provider.current });
  };
  listen(provider, (event, details) => {
    ready();
    report.tell(event, details);
  });
  // A provider does not keep the process alive; the seconds on the last line do.
  const ticking = keepAlive(() => report.tick?.(), 1000);
  const started = provider.start().then(ready, () => undefined);
  await interrupted(terminal);
  clearInterval(ticking);
  const exitCode = provider.status.state === 'ready' ? 0 : 1;
  await provider.close();
  await started;
  report.end?.();
  return exitCode;
}

function interrupted(terminal: Terminal): Promise<void> {
  return new Promise((resolve) => {
    onInterrupt(terminal, resolve);
    terminal.stdout.once('error', resolve);
  });
}

function listen(provider: ProjectedTokenProvider, tell: (event: WatchedEvent, details: EventDetails) => void): void {
  for (const event of ['rotated', 'rejected', 'overdue', 'expired', 'recovered'] as const) {
    provider.on(event, (details: EventDetails) => tell(event, details));
  }
  provider.on('degraded', ({ reason }) => tell('degraded', { error: reason }));
  provider.on('restored', () => tell('restored', {}));
  provider.on('error', (error) => tell('error', { error }));
}
