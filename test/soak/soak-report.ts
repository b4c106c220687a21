import type { Failure, Verdict } from './failure.js';
import type { Resources } from './resources.js';

/** What a soak came to. */
export interface SoakReport {
  readonly seconds: number;
  readonly rotations: number;
  /** Faults of the volume, by name. */
  readonly faults: Readonly<Record<string, number>>;
  /** How often a process of clients was stopped for a while. */
  readonly stops: number;
  readonly requests: number;
  /** Requests that were refused first, and taken with another token. */
  readonly rescued: number;
  /** Requests that failed, by the reason. */
  readonly failed: Readonly<Record<Verdict, number>>;
  /** Those of them that had a valid token to use. */
  readonly guilty: readonly Failure[];
  readonly providers: number;
  readonly providersWithLastToken: number;
  /** Of each process of clients: after warm-up, in the end, and after its providers were closed. */
  readonly resources: readonly { readonly warm: Resources; readonly end: Resources; readonly closed: Resources }[];
}

/** Of a process, whatever its rotations: caches fill, and code is compiled. */
const HEAP_SLACK_BYTES = 4 * 1024 * 1024;

/** What must not be; empty when all is well. */
export function findingsIn(report: SoakReport): string[] {
  const findings = report.guilty.map(
    ({ id, what }) => `The request ${id} failed although it had a token to use: ${what}`,
  );
  if (report.requests === 0) findings.push('No request was sent.');
  if (report.providersWithLastToken < report.providers) {
    findings.push(
      `${report.providers - report.providersWithLastToken} providers do not hold the last token, or do not watch.`,
    );
  }
  for (const [index, { warm, end, closed }] of report.resources.entries()) {
    const found = (what: string) => findings.push(`Process ${index + 1}: ${what}`);
    for (const name of ['descriptors', 'watches', 'timers', 'active'] as const) {
      if (end[name] !== warm[name]) found(`${warm[name]} ${name} after warm-up, ${end[name]} in the end.`);
    }
    const grownBytes = end.heapBytes - warm.heapBytes;
    if (grownBytes > HEAP_SLACK_BYTES) found(`the heap has grown by ${grownBytes} bytes.`);
    for (const name of ['watches', 'timers', 'warnings'] as const) {
      if (closed[name] > 0) found(`${closed[name]} ${name} after close.`);
    }
  }
  return findings;
}

/** The report as a table in Markdown. */
export function renderReport(report: SoakReport): string {
  const number = (value: number) => value.toLocaleString('en');
  const faults = Object.values(report.faults).reduce((sum, count) => sum + count, 0);
  const course = (of: (resources: Resources) => string) =>
    report.resources.map(({ warm, end }) => `${of(warm)} → ${of(end)}`).join(', ');
  const rows = [
    ['rotations', number(report.rotations)],
    ['faults of the volume', `${number(faults)}, of ${Object.keys(report.faults).length} kinds`],
    ['processes stopped for a while', number(report.stops)],
    ['requests', number(report.requests)],
    ['refused, then taken with another token', number(report.rescued)],
    ['**failed although they had a valid token to use**', `**${number(report.failed.fault)}**`],
    ['failed: the second token was replaced too, on its way', number(report.failed.overtaken)],
    ['failed: the file held no token that the service takes', number(report.failed['no file'])],
    ['failed: the service broke the connection', number(report.failed.network)],
    ['providers that hold the last token, and watch', `${report.providersWithLastToken} of ${report.providers}`],
    ['descriptors, of each process', course(({ descriptors }) => number(descriptors))],
    ['inotify watches', course(({ watches }) => number(watches))],
    ['timers', course(({ timers }) => number(timers))],
    ['what keeps the process alive', course(({ active }) => number(active))],
    ['heap after a collection, MB', course(({ heapBytes }) => (heapBytes / 1e6).toFixed(1))],
    [
      'watches and timers after close',
      report.resources.map(({ closed }) => `${closed.watches} and ${closed.timers}`).join(', '),
    ],
    ['duration, s', number(report.seconds)],
  ];
  return ['| | |', '|---|---:|', ...rows.map(([name, value]) => `| ${name} | ${value} |`)].join('\n');
}
