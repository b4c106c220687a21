import { resolveProviderOptions } from '../provider/provider-options.js';
import type { BoundToken } from '../token/bound-token.js';
import { effectiveExpirySeconds } from '../token/schedule.js';
import type { Paint } from './terminal.js';

/** How long before its expiry a token counts as expired, in seconds: the library's default. */
export const EXPIRY_MARGIN_SECONDS = resolveProviderOptions({}).expectation.expiryMarginSeconds;

/**
 * Returns a token's life as a bar: `█` elapsed, `▒` left, `┃` the due rotation. The demo uses the same signs.
 */
export function lifetimeBar(token: BoundToken, nowMs: number, paint: Paint, width: number): string | undefined {
  const startMs = (token.issuedAt ?? token.notBefore)?.getTime();
  const endMs = (effectiveExpirySeconds(token.claims) ?? Number.NaN) * 1000;
  if (startMs === undefined || !(endMs > startMs)) return undefined;
  const share = (ms: number) => Math.min(1, Math.max(0, (ms - startMs) / (endMs - startMs)));
  const gone = Math.round(share(nowMs) * width);
  const refreshMs = token.refreshAt?.getTime() ?? endMs;
  const mark = Math.min(width - 1, Math.round(share(refreshMs) * width));
  const cells = Array.from({ length: width }, (_, cell) => (cell === mark ? '┃' : cell < gone ? '█' : '▒'));
  const colour = nowMs >= endMs ? 'red' : nowMs >= refreshMs ? 'yellow' : 'green';
  return `${paint(colour, cells.join(''))} ${`${Math.round(share(nowMs) * 100)}`.padStart(3)} %`;
}

/** Formats a duration in its two largest units: `1 h 12 min`, `48 s`. */
export function duration(ms: number): string {
  const seconds = Math.round(Math.abs(ms) / 1000);
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor((seconds % 86_400) / 3600), 'h'],
    [Math.floor((seconds % 3600) / 60), 'min'],
    [seconds % 60, 's'],
  ] as const;
  const first = parts.findIndex(([count]) => count > 0);
  if (first === -1) return '0 s';
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ');
}

/** Formats a time relative to now: `in 12 min`, `3 s ago`. */
export function fromNow(date: Date, nowMs: number): string {
  const ms = date.getTime() - nowMs;
  return ms >= 0 ? `in ${duration(ms)}` : `${duration(ms)} ago`;
}

/** Formats a time in UTC, to the second. */
export function timestamp(date: Date): string {
  return `${date.toISOString().slice(0, -'.000Z'.length)}Z`;
}
