import { INTENDED_DIFFERENCES } from './intended-differences.js';

/** The table of docs/differential.md. */
export function intendedDifferencesTable(): string {
  const rows = INTENDED_DIFFERENCES.map(({ clients, what, why }) => `| ${clients} | ${what}. | ${why} |`);
  return ['| clients | difference | reason |', '|---|---|---|', ...rows].join('\n');
}
