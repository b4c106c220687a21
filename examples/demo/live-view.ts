import { type ClientRecord, type DemoRecord, retried, type TokenLife, type VaultRecord } from './demo-record.js';
import { type Segment, type Style, type StyledLine, words, wrap } from './styled-line.js';

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
const LEGEND = ['█ in the volume', '▒ life left', '░ life left when it was replaced: refused'];
const LABEL_WIDTH = 14;
const STATE_WIDTH = 22;

/** One frame of the live view. */
export function frame(record: DemoRecord, context: FrameContext): StyledLine[] {
  const { columns } = context;
  const head: StyledLine[] = [
    ...wrap(words(context.title, 'bold'), columns),
    ...wrap(words(context.subtitle, 'dim'), columns),
    [],
  ];
  const legend = LEGEND.map((text): StyledLine => [['dim', text]]);
  const tail: StyledLine[] = [
    ...wrap(legend, columns, { label: ' '.repeat(LABEL_WIDTH), gap: '   ' }),
    [],
    ...rotationLines(record, columns),
    [],
    ...(record.clients.length === 0 ? [] : [...clientLines(record, context), []]),
    ...(record.vault.logins === 0 ? [] : [...vaultLines(record.vault, columns), []]),
    ...(record.notice === undefined ? [] : [...wrap(words(record.notice, 'yellow'), columns), []]),
    progressLine(record, context),
  ];
  // The axis takes a line.
  const room = Math.max(1, context.rows - head.length - tail.length - 1);
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

function rotationLines(record: DemoRecord, columns: number): StyledLine[] {
  const times = record.percentiles();
  const rotations: StyledLine = ['rotations ', ['bold', String(record.rotations)]];
  if (times === undefined) return [rotations];
  const samples = record.swapToFreshMs.slice(-40);
  const top = Math.max(...samples);
  const spark = samples.map((ms) => SPARKS[Math.round((ms / top) * (SPARKS.length - 1))]).join('');
  const figures = Object.entries(times).map(([name, ms]) => figure(name, `${ms.toFixed(1)} ms`));
  return wrap([rotations, ['swap → new token in hand'], ...figures, [['cyan', spark]]], columns, { gap: '  ' });
}

function figure(name: string, value: string): StyledLine {
  return [
    ['dim', `${name} `],
    ['bold', value],
  ];
}

function clientLines(record: DemoRecord, { rates, columns }: FrameContext): StyledLine[] {
  const header = ['requests', 'a second', 'refused', 'retried', 'failed'];
  const width = Math.min(11, Math.floor((columns - LABEL_WIDTH) / header.length));
  const rows = record.clients.map((client): StyledLine => {
    const cells = [client.requests, rates.get(client) ?? 0, client.refused, retried(client)];
    return [
      client.name.padEnd(LABEL_WIDTH),
      ...cells.map((cell) => cell.toLocaleString('en').padStart(width)),
      [client.failed === 0 ? 'green' : 'red', client.failed.toLocaleString('en').padStart(width)],
    ];
  });
  return [[['dim', ['client'.padEnd(LABEL_WIDTH), ...header.map((cell) => cell.padStart(width))].join('')]], ...rows];
}

function vaultLines({ logins, renewals, revocations, restarts }: VaultRecord, columns: number): StyledLine[] {
  const counts = Object.entries({ logins, renewals, revocations, restarts });
  const figures = counts.map(([name, count]) => figure(name, String(count)));
  return wrap(figures, columns, { label: 'Vault'.padEnd(LABEL_WIDTH), gap: '   ' });
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
