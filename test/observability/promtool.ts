import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { loadYaml } from '@kubernetes/client-node';
import { REPOSITORY } from '../helpers/built-package.js';
import { temporaryDirectory } from '../helpers/temporary-directory.js';
import { SCRAPE_INTERVAL_MS } from './observed-program.js';

/** The rules that are tested. */
export const RULES = join(REPOSITORY, 'examples', 'observability', 'prometheus-rules.yaml');

/** Prometheus' own test runner; undefined where it is not installed (Debian: prometheus). */
export const PROMTOOL = ['/usr/bin/promtool', '/usr/local/bin/promtool'].find(existsSync);

/** Samples of each series, one a scrape. */
export type Series = ReadonlyMap<string, readonly (number | undefined)[]>;

interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: `${number}m`;
}

const { groups } = loadYaml<{ groups: readonly { readonly rules: readonly AlertRule[] }[] }>(
  readFileSync(RULES, 'utf8'),
);

/** The alerts that there are. */
export const ALERTS = groups.flatMap(({ rules }) => rules);

/**
 * Evaluates the rules over series, minute by minute, as Prometheus does. Resolves with the alerts that fired at any time, and for how
 * many minutes.
 */
export async function firedOver(series: Series): Promise<Record<string, number>> {
  const minutes = minutesOf(series);
  const expr = `sum by (alertname) (count_over_time(ALERTS{alertstate="firing"}[${minutes}m]))`;
  return query(series, [RULES], [{ expr, eval_time: `${minutes}m` }]);
}

/** promtool takes no more than 10,000 samples in a query. */
const WINDOW_MINUTES = 120;

/**
 * Resolves with the same as {@link firedOver}, in a tenth of the time: instead of all rules at each minute, which takes most of the
 * time however little happens, it asks how often each expression held. An alert fires in the minutes at which its expression has
 * held for as long as `for` says.
 */
export async function heldOver(series: Series): Promise<Record<string, number>> {
  const minutes = minutesOf(series);
  const ends = Array.from({ length: Math.ceil(minutes / WINDOW_MINUTES) }, (_, index) =>
    Math.min(minutes, (index + 1) * WINDOW_MINUTES),
  );
  const queries = ends.flatMap((end, index) =>
    ALERTS.map((rule) => ({
      expr: `label_replace(sum(count_over_time(${firing(rule)}${steps(end - (ends[index - 1] ?? 0))})), "alertname", "${rule.alert}", "", "")`,
      eval_time: `${end}m`,
    })),
  );
  return query(series, [], queries);
}

/** An expression with a value in the minutes at which the alert fires. */
function firing({ expr, for: duration = '0m' }: AlertRule): string {
  const count = Number(duration.replace('m', '')) + 1;
  return `(count_over_time((${expr})${steps(count)}) == ${count})`;
}

/** A range of so many evaluations, a minute apart: whether its beginning is in it depends on the version, so it begins in between. */
function steps(count: number): string {
  return `[${count * 60 - 30}s:1m]`;
}

async function query(
  series: Series,
  rules: readonly string[],
  queries: readonly { readonly expr: string; readonly eval_time: string }[],
): Promise<Record<string, number>> {
  const scrapes = scrapesOf(series);
  const test = {
    rule_files: rules,
    evaluation_interval: '1m',
    tests: [
      {
        interval: `${SCRAPE_INTERVAL_MS / 1000}s`,
        input_series: [...series]
          .filter(([name]) => NAMED.has(name.replace(/\{.*/, '')))
          .map(([name, samples]) => ({ series: name, values: valuesOf(samples, scrapes) })),
        // promtool prints what it got in the place of this.
        promql_expr_test: queries.map((each) => ({ ...each, exp_samples: [{ labels: 'nothing{}', value: 0 }] })),
      },
    ],
  };
  const file = join(await temporaryDirectory(), 'test.yaml');
  // JSON is YAML.
  await writeFile(file, JSON.stringify(test));
  const options = { maxBuffer: 2 ** 26 };
  const { stdout, stderr } = await promisify(execFile)(PROMTOOL!, ['test', 'rules', file], options).catch(
    (error) => error,
  );
  const got = (stdout + stderr).match(/^ *got:.*/gm) ?? [];
  if (got.length !== queries.length) throw new Error(`promtool said:\n${stdout}${stderr}`);
  const minutes: Record<string, number> = {};
  for (const [, name, count] of got.join('\n').matchAll(/\{alertname="(\w+)"\} ([\d.E+]+)/g)) {
    minutes[name!] = (minutes[name!] ?? 0) + Number(count);
  }
  return minutes;
}

/** The metrics that the rules name: they see no other. */
const NAMED = new Set(ALERTS.flatMap(({ expr }) => expr.match(/projected_token_\w+/g)));

function scrapesOf(series: Series): number {
  return Math.max(...[...series.values()].map((samples) => samples.length));
}

function minutesOf(series: Series): number {
  return (scrapesOf(series) * SCRAPE_INTERVAL_MS) / 60_000;
}

/** Samples as promtool reads them: `1x3` is 1 and three more, `_` is none. */
function valuesOf(samples: readonly (number | undefined)[], scrapes: number): string {
  return Array.from({ length: scrapes }, (_, index) => samples[index] ?? '_').join(' ');
}
