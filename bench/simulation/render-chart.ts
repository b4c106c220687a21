import type { Outcome, Policy } from './simulate.js';

interface Row {
  readonly kind: string;
  readonly policy: Policy;
  readonly outcome: Outcome;
}

const WIDTH = 760;
const LABEL_WIDTH = 200;
const BAR_HEIGHT = 16;
const MAX_DECADES = 6;

/** Seconds of expired and of stale tokens, a bar a policy, on a logarithmic scale; readable on light and dark pages. */
export function renderChart(rows: readonly Row[], days: number): string {
  const lines: string[] = [];
  let y = 64;
  let kind = '';
  for (const row of rows) {
    if (row.kind !== kind) {
      kind = row.kind;
      y += 12;
      lines.push(`<text x="8" y="${y + 12}" class="kind">token of ${kind}</text>`);
      y += 22;
    }
    const { presentedExpiredSeconds: expired, staleSeconds: stale } = row.outcome;
    const expiredWidth = barWidth(expired);
    const staleWidth = barWidth(stale);
    lines.push(
      `<text x="${LABEL_WIDTH - 8}" y="${y + 12}" class="policy">${row.policy}</text>`,
      `<rect x="${LABEL_WIDTH}" y="${y}" width="${Math.max(expiredWidth, 1)}" height="${BAR_HEIGHT / 2}" class="expired"/>`,
      `<rect x="${LABEL_WIDTH}" y="${y + BAR_HEIGHT / 2}" width="${Math.max(staleWidth, 1)}" height="${BAR_HEIGHT / 2}" class="stale"/>`,
      `<text x="${LABEL_WIDTH + Math.max(expiredWidth, staleWidth) + 8}" y="${y + 12}">${seconds(expired)} expired, ${seconds(stale)} stale</text>`,
    );
    y += BAR_HEIGHT + 6;
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y + 16}" role="img" aria-label="Seconds of expired and stale tokens by policy">
<style>
text { font: 12px system-ui, sans-serif; fill: #57606a; }
.title { font-weight: 600; font-size: 15px; }
.kind { font-weight: 600; }
.policy { text-anchor: end; }
.expired { fill: #cf222e; }
.stale { fill: #bf8700; }
@media (prefers-color-scheme: dark) { text { fill: #9198a1; } .expired { fill: #f85149; } .stale { fill: #d29922; } }
</style>
<text x="8" y="22" class="title">${days} simulated days: seconds in which a request would carry an expired or a stale token</text>
<text x="8" y="44">red: expired, yellow: valid but replaced already; logarithmic scale, one request a second</text>
${lines.join('\n')}
</svg>
`;
}

function barWidth(value: number): number {
  const available = WIDTH - LABEL_WIDTH - 220;
  return value === 0 ? 0 : (Math.log10(value + 1) / MAX_DECADES) * available;
}

function seconds(value: number): string {
  return `${value.toLocaleString('en-US')} s`;
}
