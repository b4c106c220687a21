import type { Figure, FigureGroup } from './figure.js';

/** The whole report. */
export function renderMarkdown(groups: readonly FigureGroup[], machine: string): string {
  return [
    '# Measurements',
    `Made by \`npm run bench -- --write\` on one machine: ${machine}. Read the ratios; the times are that machine's.`,
    '![Ratios to the floor](ratios.svg)',
    ...groups.map(({ title, method, figures }) => `## ${title}\n\n${method}\n\n${table(figures)}`),
  ].join('\n\n');
}

/** What docs/comparison.md shows of it: the lines with an aim, and the peers of the requests that fail. */
export function renderComparisonSection(groups: readonly FigureGroup[], machine: string): string {
  const chosen = groups.flatMap(({ title, figures }) =>
    figures
      .filter(({ aim, unit }) => aim !== undefined || unit === 'failed')
      .map((figure) => ({ ...figure, name: `${title}: ${figure.name}` })),
  );
  return [
    `Measured by \`npm run bench\` (${machine}); [all figures, with their methods](bench/README.md).`,
    table(chosen),
  ].join('\n\n');
}

function table(figures: readonly Figure[]): string {
  return [
    '| | measured | × floor | aimed at |',
    '|---|---:|---:|---|',
    ...figures.map((figure) => {
      const ratio = figure.ratio === undefined ? '' : number(figure.ratio);
      const aim =
        figure.aim === undefined ? '' : `${figure.aim.text}: ${figure.aim.isMet ? 'reached' : '**not reached**'}`;
      return `| ${figure.name} | ${`${number(figure.value)} ${figure.unit}`.trim()} | ${ratio} | ${aim} |`;
    }),
  ].join('\n');
}

/** Three digits that matter. */
function number(value: number): string {
  if (Number.isInteger(value)) return value.toLocaleString('en-US');
  return Number(value.toPrecision(3)).toLocaleString('en-US', { maximumFractionDigits: 3 });
}
