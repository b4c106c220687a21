import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { REPOSITORY } from '../helpers/built-package.js';
import { temporaryDirectory } from '../helpers/temporary-directory.js';
import { SCRAPE_INTERVAL_MS } from './observed-program.js';

/** The rules that are tested. */
export const RULES = join(REPOSITORY, 'examples', 'observability', 'prometheus-rules.yaml');

/** Prometheus' own test runner; undefined where it is not installed (Debian: prometheus). */
export const PROMTOOL = ['/usr/bin/promtool', '/usr/local/bin/promtool'].find(existsSync);

/**
 * Evaluates the rules over series, as Prometheus does. Resolves with the alerts that fired at any time, and for how many minutes.
 *
 * @param series - samples of each series, one a scrape
 */
export async function firedOver(
  series: ReadonlyMap<string, readonly (number | undefined)[]>,
): Promise<Record<string, number>> {
  const scrapes = Math.max(...[...series.values()].map((samples) => samples.length));
  const minutes = (scrapes * SCRAPE_INTERVAL_MS) / 60_000;
  const test = {
    rule_files: [RULES],
    evaluation_interval: '1m',
    tests: [
      {
        interval: `${SCRAPE_INTERVAL_MS / 1000}s`,
        input_series: [...series].map(([name, samples]) => ({ series: name, values: valuesOf(samples, scrapes) })),
        promql_expr_test: [
          {
            expr: `sum by (alertname) (count_over_time(ALERTS{alertstate="firing"}[${minutes}m]))`,
            eval_time: `${minutes}m`,
            // promtool prints what it got in the place of this.
            exp_samples: [{ labels: 'nothing{}', value: 0 }],
          },
        ],
      },
    ],
  };
  const file = join(await temporaryDirectory(), 'test.yaml');
  // JSON is YAML.
  await writeFile(file, JSON.stringify(test));
  const { stdout, stderr } = await promisify(execFile)(PROMTOOL!, ['test', 'rules', file]).catch((error) => error);
  const got = /got:(.*)/.exec(stdout + stderr)?.[1];
  if (got === undefined) throw new Error(`promtool said:\n${stdout}${stderr}`);
  return Object.fromEntries(
    [...got.matchAll(/\{alertname="(\w+)"\} (\d+)/gi)].map(([, name, count]) => [name, Number(count)]),
  );
}

/** Samples as promtool reads them: `1x3` is 1 and three more, `_` is none. */
function valuesOf(samples: readonly (number | undefined)[], scrapes: number): string {
  return Array.from({ length: scrapes }, (_, index) => samples[index] ?? '_').join(' ');
}
