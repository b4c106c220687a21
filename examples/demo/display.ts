import type { DemoOptions } from './arguments.js';
import type { ClientRecord, DemoRecord } from './demo-record.js';
import { frame } from './live-view.js';
import { PlainReport } from './plain-report.js';
import type { Scene } from './scene.js';
import { Screen } from './screen.js';
import { paint } from './styled-line.js';

/** Shows a demo that is under way. */
export interface Display {
  close(): void;
}

const REDRAW_MS = 100;
const RATE_WINDOW_MS = 2000;

/** A live view for a terminal, lines for a pipe, nothing where JSON is to come. */
export function openDisplay(options: DemoOptions, scene: Scene, record: DemoRecord): Display {
  if (options.json) return { close() {} };
  return process.stdout.isTTY ? openLive(options, scene, record) : openPlain(scene, record);
}

/** In a terminal, unless https://no-color.org speaks against it. */
export function isColoured(): boolean {
  return process.stdout.isTTY && !process.env.NO_COLOR && process.env.TERM !== 'dumb';
}

function openPlain(scene: Scene, record: DemoRecord): Display {
  const write = (line: string) => console.log(line);
  write(scene.title);
  write(scene.subtitle);
  const report = new PlainReport(record, write);
  const timer = setInterval(() => report.update(), REDRAW_MS);
  return {
    close() {
      clearInterval(timer);
      report.update();
    },
  };
}

function openLive(options: DemoOptions, scene: Scene, record: DemoRecord): Display {
  const stream = process.stdout;
  const coloured = isColoured();
  const rates = new RateMeter(record.clients);
  const { title, subtitle } = scene;
  const endsAtMs = options.seconds && record.startedAtMs + options.seconds * 1000;
  const draw = (columns: number, rows: number) =>
    frame(record, { title, subtitle, endsAtMs, nowMs: Date.now(), columns, rows, rates: rates.now() });
  const screen = new Screen(stream, coloured, draw);
  const timer = setInterval(screen.draw, REDRAW_MS);
  screen.draw();
  return {
    close() {
      clearInterval(timer);
      const last = draw(stream.columns, stream.rows);
      screen.close();
      // What was to be seen stays to be seen.
      for (const line of last.slice(0, -1)) stream.write(`${paint(line, stream.columns, coloured)}\n`);
    },
  };
}

/** Requests a second, over the last seconds. */
class RateMeter {
  readonly #samples: { atMs: number; counts: number[] }[] = [];

  constructor(private readonly clients: readonly ClientRecord[]) {}

  now(): Map<ClientRecord, number> {
    const atMs = performance.now();
    this.#samples.push({ atMs, counts: this.clients.map(({ requests }) => requests) });
    while (atMs - this.#samples[0]!.atMs > RATE_WINDOW_MS) this.#samples.shift();
    const first = this.#samples[0]!;
    const seconds = (atMs - first.atMs) / 1000 || 1;
    return new Map(
      this.clients.map((client, index) => [client, Math.round((client.requests - first.counts[index]!) / seconds)]),
    );
  }
}
