import type { FigureGroup } from './figure.js';

const WIDTH = 760;
const LABEL_WIDTH = 330;
const BAR_HEIGHT = 12;
const MAX_DECADES = 5;

/** Every line that has a ratio to its floor, as a bar on a logarithmic scale; readable on light and dark pages. */
export function renderRatios(groups: readonly FigureGroup[]): string {
  const lines: string[] = [];
  let y = 50;
  for (const { title, figures } of groups) {
    const withRatio = figures.filter(({ ratio }) => ratio !== undefined);
    if (withRatio.length === 0) continue;
    lines.push(`<text x="8" y="${y + 12}" class="group">${escaped(title)}</text>`);
    y += 20;
    for (const { name, ratio = 1 } of withRatio) {
      // A ratio of 1 is a bar too.
      const width = 4 + (Math.max(0, Math.log10(ratio)) / MAX_DECADES) * (WIDTH - LABEL_WIDTH - 80);
      const isOurs = name.startsWith('projected-token');
      lines.push(
        `<text x="${LABEL_WIDTH - 8}" y="${y + 10}" class="name">${escaped(name)}</text>`,
        `<rect x="${LABEL_WIDTH}" y="${y}" width="${width.toFixed(1)}" height="${BAR_HEIGHT}" class="${isOurs ? 'ours' : 'other'}"/>`,
        `<text x="${(LABEL_WIDTH + width + 6).toFixed(1)}" y="${y + 10}">${Number(ratio.toPrecision(3)).toLocaleString('en-US')} ×</text>`,
      );
      y += BAR_HEIGHT + 6;
    }
    y += 10;
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" role="img" aria-label="Ratios to the floor">
<style>
text { font: 11px system-ui, sans-serif; fill: #57606a; }
.title { font-weight: 600; font-size: 14px; }
.group { font-weight: 600; }
.name { text-anchor: end; }
.ours { fill: #1a7f37; }
.other { fill: #8c959f; }
@media (prefers-color-scheme: dark) { text { fill: #9198a1; } .ours { fill: #3fb950; } }
</style>
<text x="8" y="22" class="title">Relative to the floor of the same run (logarithmic; shorter is better)</text>
${lines.join('\n')}
</svg>
`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
