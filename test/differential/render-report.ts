import type { ClientReport, Finding } from './run-differential.js';

const MAX_CHARACTERS = 1500;

/** The report of one client as text. */
export function renderReport(report: ClientReport, seed: number): string {
  const { client, scenarios, different, findings, intended, known, unstable } = report;
  return [
    `${client}: ${different} of ${scenarios} scenarios differ (seed ${seed}; ${unstable} of them a matter of chance for both)`,
    ...Object.entries(intended).map(([what, count]) => `  meant to be, ${count} times: ${what}`),
    ...Object.entries(known).map(([what, count]) => `  known and not fixed, ${count} times: ${what}`),
    ...findings.map(renderFinding),
  ].join('\n');
}

function renderFinding({ where, count, seed, scenario, difference }: Finding): string {
  return [
    `  ${where}, ${count} times, such as --seed ${seed}:`,
    `    scenario ${brief(scenario)}`,
    `    bare     ${brief(difference.bare)}`,
    `    wrapped  ${brief(difference.wrapped)}`,
  ].join('\n');
}

/** A value on one line, without the length of what is long only to be long. */
function brief(value: unknown): string {
  const text = (JSON.stringify(value) ?? 'undefined').replace(/(.)\1{50,}/g, '$1…$1');
  return text.length > MAX_CHARACTERS ? `${text.slice(0, MAX_CHARACTERS)}… (${text.length})` : text;
}
