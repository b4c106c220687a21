import { type ClientRecord, type DemoRecord, retried, type TokenLife, type VaultRecord } from './demo-record.js';
import type { Segment, Style, StyledLine } from './styled-line.js';

/** What a frame is drawn from, besides the record. */
export interface FrameContext {
  readonly title: string;
  readonly subtitle: string;
  /** End of the demo; undefined: until it is interrupted. */
  readonly endsAtMs: number | undefined;
  readonly nowMs: number;
  readonly columns: number;
  readonly rows: number;
  /** Requests a second of each client, lately. */
  readonly rates: ReadonlyMap<ClientRecord, number>;
}

const COLOURS: readonly Style[] = ['cyan', 'magenta', 'green', 'blue', 'yellow'];
const SPARKS = '▁▂▃▄▅▆▇█';
const LEGEND = '█ in the volume   ▒ life left   ░ life left when it was replaced: refused';
const LABEL_WIDTH = 14;
const STATE_WIDTH = 22;

/** One frame of the live view. */
export function frame(record: DemoRecord, context: FrameContext): StyledLine[] {
  const head: StyledLine[] = [[['bold', context.title]], [['dim', context.subtitle]], []];
  const tail: StyledLine[] = [
    [['dim', ' '.repeat(LABEL_WIDTH) + LEGEND]],
    [],
    ...rotationLines(record),
    [],
    ...(record.clients.length === 0 ? [] : [...clientLines(record, context), []]),
    ...(record.vault.logins === 0 ? [] : [vaultLine(record.vault), []]),
    ...(record.notice === undefined ? [] : [[['yellow', record.notice]] as StyledLine, []]),
    progressLine(record, context),
  ];
  // The axis takes two lines.
  const room = Math.max(1, context.rows - head.length - tail.length - 2);
  return [...head, ...tokenLines(record.tokens.slice(-Math.min(room, 12)), context), ...tail];
}

/** A bar for each token on one axis of time: solid while in the file, light for the life it had left when it was replaced. */
function tokenLines(tokens: readonly TokenLife[], { nowMs, columns }: FrameContext): StyledLine[] {
  const width = Math.max(10, columns - LABEL_WIDTH - STATE_WIDTH - 1);
  const startMs = Math.min(nowMs, ...tokens.map(({ issuedAtMs }) => issuedAtMs));
  const endMs = Math.max(nowMs, ...tokens.map(({ expiresAtMs }) => expiresAtMs));
  const column = (ms: number) => Math.round(((ms - startMs) / (endMs - startMs || 1)) * width);
  const nowColumn = Math.min(width - 1, column(nowMs));
  const ruler: StyledLine = [
    ['dim', 'token'.padEnd(LABEL_WIDTH)],
    ' '.repeat(nowColumn),
    ['bold', '▼'],
    ['dim', ' now'.padEnd(width - nowColumn)],
  ];
  const lines = tokens.map((token, index): StyledLine => {
    const inFile = token.replacedAtMs === undefined;
    const colour = COLOURS[colourOf(token.fingerprint, tokens, index)]!;
    const [from, until] = [column(token.issuedAtMs), column(token.expiresAtMs)];
    const gone = Math.min(until, column(token.replacedAtMs ?? nowMs));
    const bar: Segment[] = [
      ' '.repeat(from),
      [colour, '█'.repeat(Math.max(1, gone - from))],
      [inFile ? colour : 'dim', (inFile ? '▒' : '░').repeat(Math.max(0, until - Math.max(gone, from + 1)))],
      ' '.repeat(Math.max(0, width - Math.max(until, from + 1))),
    ];
    return [[inFile ? 'bold' : 'dim', token.fingerprint.padEnd(LABEL_WIDTH)], ...bar, ' ', ...stateOf(token, nowMs)];
  });
  return [ruler, ...lines];
}

function stateOf(token: TokenLife, nowMs: number): Segment[] {
  if (token.replacedAtMs !== undefined) {
    return [['dim', `replaced at ${span(token.replacedAtMs - token.issuedAtMs)}`]];
  }
  const left = token.expiresAtMs - nowMs;
  if (left <= 0) return [['red', `expired ${span(-left)} ago`]];
  return [['bold', `age ${span(nowMs - token.issuedAtMs)}`], `, ${span(left)} left`];
}

/** Neighbours differ, and a token keeps its colour while it is shown. */
function colourOf(fingerprint: string, tokens: readonly TokenLife[], index: number): number {
  const own = Number.parseInt(fingerprint.slice(0, 6), 16) % COLOURS.length;
  if (index === 0) return own;
  const before = colourOf(tokens[index - 1]!.fingerprint, tokens, index - 1);
  return own === before ? (own + 1) % COLOURS.length : own;
}

function rotationLines(record: DemoRecord): StyledLine[] {
  const times = record.percentiles();
  const rotations: Segment[] = ['rotations ', ['bold', String(record.rotations)]];
  if (times === undefined) return [rotations];
  const samples = record.swapToFreshMs.slice(-40);
  const top = Math.max(...samples);
  const spark = samples.map((ms) => SPARKS[Math.round((ms / top) * (SPARKS.length - 1))]).join('');
  return [
    [
      ...rotations,
      '   swap → new token in hand  ',
      ...figure('p50', times.p50),
      ...figure('p99', times.p99),
      ...figure('max', times.max),
      ['cyan', ` ${spark}`],
    ],
  ];
}

function figure(name: string, ms: number): Segment[] {
  return [['dim', `${name} `], ['bold', `${ms.toFixed(1)} ms`], '  '];
}

function clientLines(record: DemoRecord, { rates }: FrameContext): StyledLine[] {
  const header = ['client', 'requests', 'a second', 'refused', 'retried', 'failed'];
  const rows = record.clients.map((client): StyledLine => {
    const cells = [client.requests, rates.get(client) ?? 0, client.refused, retried(client)];
    return [
      client.name.padEnd(LABEL_WIDTH),
      ...cells.map((cell) => cell.toLocaleString('en').padStart(11)),
      [client.failed === 0 ? 'green' : 'red', client.failed.toLocaleString('en').padStart(11)],
    ];
  });
  return [
    [['dim', header.map((cell, index) => (index === 0 ? cell.padEnd(LABEL_WIDTH) : cell.padStart(11))).join('')]],
    ...rows,
  ];
}

function vaultLine({ logins, renewals, revocations, restarts }: VaultRecord): StyledLine {
  const counts = { logins, renewals, revocations, restarts };
  const segments = Object.entries(counts).flatMap(([name, count]): Segment[] => [
    ['dim', `${name} `],
    ['bold', `${count}   `],
  ]);
  return ['Vault'.padEnd(LABEL_WIDTH), ...segments];
}

function progressLine(record: DemoRecord, { nowMs, endsAtMs, columns }: FrameContext): StyledLine {
  const gone = nowMs - record.startedAtMs;
  if (endsAtMs === undefined) return [['dim', `${span(gone)}   Ctrl-C ends`]];
  const width = Math.min(40, columns - 30);
  const done = Math.min(width, Math.round((gone / (endsAtMs - record.startedAtMs)) * width));
  return [
    ['green', '━'.repeat(Math.max(0, done))],
    ['dim', '━'.repeat(Math.max(0, width - done))],
    ['dim', `  ${span(endsAtMs - nowMs)} to go   Ctrl-C ends`],
  ];
}

/** `4.2 s`, `12 min`, `3.5 h`. */
function span(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 100) return `${seconds.toFixed(1)} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}
