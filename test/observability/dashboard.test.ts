import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FAMILIES } from '../../src/metrics/observable.js';
import { prometheusName } from '../../src/metrics/prometheus.js';
import { REPOSITORY } from '../helpers/built-package.js';
import { temporaryDirectory } from '../helpers/temporary-directory.js';
import { PROMTOOL, RULES } from './promtool.js';

const DASHBOARD = join(REPOSITORY, 'examples', 'observability', 'grafana-dashboard.json');

interface Dashboard {
  readonly panels: readonly { readonly title: string; readonly targets: readonly { readonly expr: string }[] }[];
  readonly templating: { readonly list: readonly { readonly name: string }[] };
}
const dashboard: Dashboard = JSON.parse(readFileSync(DASHBOARD, 'utf8'));
const expressions = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));

const instruments = FAMILIES.flatMap((family) => family.instruments);
const names = new Set(instruments.map(prometheusName));
const labels = new Set([
  // What Prometheus adds to the series of a pod.
  ...['namespace', 'pod', '__name__'],
  ...FAMILIES.flatMap(({ identity }) => identity.map(({ label }) => label)),
  ...instruments.flatMap(({ attributes = [] }) => attributes),
]);

it.each([RULES, DASHBOARD])('%s names metrics and labels that exist', (file) => {
  const text = readFileSync(file, 'utf8');
  const used = new Set(text.match(/projected_token_[a-z_]+/g));
  expect(used.size).toBeGreaterThan(9);
  for (const name of used) expect(names, `${file} uses ${name}`).toContain(name);
  for (const [, label] of text.matchAll(/[{,]\s*([a-z_]+)[!=]=?~?\\?"/g)) expect(labels).toContain(label);
});

describe('the dashboard', () => {
  it('shows every metric', () => {
    for (const name of names) expect(expressions.join('\n')).toContain(name);
  });

  it('filters every panel by namespace and pod, and those of a token file by path', () => {
    expect(dashboard.templating.list.map(({ name }) => name)).toEqual(['datasource', 'namespace', 'pod', 'path']);
    for (const expression of expressions) {
      expect(expression).toContain('namespace=~"$namespace",pod=~"$pod"');
      const isOfFile = !/_exchange_|_verifications_|_reviews_|_key_fetches_/.test(expression);
      expect(expression.includes('path=~"$path"'), expression).toBe(isOfFile);
    }
  });

  it.skipIf(PROMTOOL === undefined)('has expressions that Prometheus can read', async () => {
    // promtool checks rules: each expression becomes one.
    const rules = expressions.map((expr, index) => ({
      record: `panel:expression:${index}`,
      expr: expr.replaceAll('$__rate_interval', '5m'),
    }));
    const file = join(await temporaryDirectory(), 'rules.yaml');
    writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }));
    expect(execFileSync(PROMTOOL!, ['check', 'rules', file], { encoding: 'utf8' })).toContain('SUCCESS');
  });
});
