import type { TokenExpectation } from '../../src/token/acceptance.js';
import { MAX_TOKEN_BYTES } from '../../src/token/max-token-bytes.js';

/** The time of every run, so that a seed always gives the same inputs and verdicts. */
export const NOW_MS = Date.UTC(2026, 2, 1);
/** The same in seconds, as claims have it. */
export const NOW = NOW_MS / 1000;

/** What a token has to be. */
export const EXPECTED: TokenExpectation = {
  audiences: ['vault', 'second'],
  issuers: ['https://kubernetes.default.svc'],
  subjects: [],
  clockToleranceSeconds: 60,
  expiryMarginSeconds: 10,
};

/** The rules, written a second time and as plainly as possible: what must be accepted, and nothing else. */
export function isAcceptable(input: Buffer): boolean {
  if (input.length > MAX_TOKEN_BYTES) return false;
  const parts = input
    .toString()
    .replace(/^\s+|\s+$/g, '')
    .split('.');
  if (parts.length !== 3 || parts.some((part) => !/^[A-Za-z0-9_-]+$/.test(part))) return false;
  const header = decode(parts[0]!);
  const claims = decode(parts[1]!);
  if (!isRecord(header) || !isRecord(claims)) return false;
  const { aud, iss, sub, jti, exp, nbf, iat, 'kubernetes.io': kubernetes } = claims;
  if ([iss, sub, jti].some((text) => text !== undefined && typeof text !== 'string')) return false;
  if ([exp, nbf, iat].some((time) => time !== undefined && (typeof time !== 'number' || Math.abs(time) > 8.64e12)))
    return false;
  const audiences = typeof aud === 'string' ? [aud] : aud;
  if (!Array.isArray(audiences) || audiences.some((item) => typeof item !== 'string')) return false;
  if (!audiences.some((item) => EXPECTED.audiences.includes(item))) return false;
  if (typeof iss !== 'string' || !EXPECTED.issuers.includes(iss)) return false;
  if (typeof exp !== 'number' || NOW >= exp - 10) return false;
  if (typeof nbf === 'number' && nbf > NOW + 60) return false;
  if (typeof iat === 'number' && iat > NOW + 60) return false;
  return kubernetes === undefined || isKubernetesClaim(kubernetes);
}

function isKubernetesClaim(claim: unknown): boolean {
  if (!isRecord(claim)) return false;
  const { namespace, warnafter } = claim;
  if (namespace !== undefined && typeof namespace !== 'string') return false;
  if (warnafter !== undefined && (typeof warnafter !== 'number' || Math.abs(warnafter) > 8.64e12)) return false;
  return ['serviceaccount', 'pod', 'node', 'secret'].every((name) => {
    const object = claim[name];
    if (object === undefined) return true;
    if (!isRecord(object) || typeof object.name !== 'string') return false;
    return object.uid === undefined || typeof object.uid === 'string';
  });
}

function decode(part: string): unknown {
  // A last group of one character stands for no byte (RFC 4648 section 4).
  if (part.length % 4 === 1) return undefined;
  try {
    // As strict as a JSON parser has to be: text that is no UTF-8 is no JSON (RFC 8259 section 8.1).
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(part, 'base64url')));
  } catch {
    return undefined;
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
