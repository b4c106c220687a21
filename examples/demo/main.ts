/**
 * The demo: HTTP clients under load while their token is rotated.
 *
 * Run: npm run demo
 */
import { setTimeout as wait } from 'node:timers/promises';
import { ProjectedTokenError } from 'projected-token';
import { type DemoOptions, HELP, parseArguments, UsageError } from './arguments.js';
import { DemoRecord } from './demo-record.js';
import { isColoured, openDisplay } from './display.js';
import { openScene } from './scene.js';
import { paint, type StyledLine } from './styled-line.js';
import { describeSummary, summarize } from './summary.js';
import { startTraffic } from './traffic.js';

const FOR_EVER_MS = 2 ** 31 - 1;

/** Plays the demo to its end; resolves with the exit code. */
async function play(options: DemoOptions): Promise<number> {
  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupt.abort());

  const record = new DemoRecord();
  const scene = await openScene(options, record);
  record.begin();
  const stopTraffic = startTraffic(scene.clients, options.concurrency);
  const display = openDisplay(options, scene, record);

  const durationMs = options.seconds === undefined ? FOR_EVER_MS : options.seconds * 1000;
  await wait(durationMs, undefined, { signal: interrupt.signal }).catch(() => {});
  await stopTraffic();
  display.close();
  await scene.close();

  const summary = summarize(record);
  if (options.json) console.log(JSON.stringify(summary));
  else showSummary(describeSummary(summary, record, process.stdout.columns ?? Number.POSITIVE_INFINITY));
  return summary.failed === 0 ? 0 : 1;
}

function showSummary(lines: readonly StyledLine[]): void {
  console.log(['', ...lines.map((line) => paint(line, Number.POSITIVE_INFINITY, isColoured()))].join('\n'));
}

async function main(): Promise<number> {
  try {
    const options = parseArguments(process.argv.slice(2));
    if (options !== undefined) return await play(options);
    process.stdout.write(HELP);
    return 0;
  } catch (error) {
    if (error instanceof UsageError) {
      console.error(`demo: ${error.message}\nTry: npm run demo -- --help`);
      return 2;
    }
    if (!(error instanceof ProjectedTokenError)) throw error;
    console.error(`demo: ${error.code}\n${error.message}`);
    return 1;
  }
}

process.exitCode = await main();
