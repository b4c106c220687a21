import { createFsFromVolume, Volume } from 'memfs';
import { BoundToken, ProjectedTokenError, type TokenFileSystem } from 'projected-token';
import { seededRandom } from '../../bench/simulation/random.js';
import { assertAcceptable, type TokenExpectation } from '../../src/token/acceptance.js';
import { MAX_TOKEN_BYTES, readTokenFile } from '../../src/volume/read-token-file.js';

/** What a run of the fuzzer found. */
export interface FuzzReport {
  readonly inputs: number;
  readonly accepted: number;
  /** How often each code refused an input. */
  readonly refused: Readonly<Record<string, number>>;
  readonly slowestMs: number;
  /** Inputs that broke a rule, with the rule. */
  readonly findings: readonly string[];
}

const NOW_MS = Date.UTC(2026, 2, 1);
const NOW = NOW_MS / 1000;

const EXPECTED: TokenExpectation = {
  audiences: ['vault', 'second'],
  issuers: ['https://kubernetes.default.svc'],
  subjects: [],
  clockToleranceSeconds: 60,
  expiryMarginSeconds: 10,
};

/** Longer than any input may take; a hang is a fault of its own. */
const MAX_MS = 50;

/** Token files and claims, sound, damaged and made up, through all that a provider does with what it finds. */
export async function fuzzTokens(inputs: number, seed: number): Promise<FuzzReport> {
  const random = new Random(seed);
  const refused: Record<string, number> = {};
  const findings: string[] = [];
  let accepted = 0;
  let slowestMs = 0;
  for (let count = 0; count < inputs; count++) {
    const input = makeFile(random);
    const verdict = await judge(input);
    const tookMs = await millisecondsFor(input);
    slowestMs = Math.max(slowestMs, tookMs);
    if (tookMs > MAX_MS) findings.push(`took ${tookMs.toFixed(0)} ms: ${preview(input)}`);
    if (verdict === 'accepted') {
      accepted++;
      if (!isAcceptable(input)) findings.push(`wrongly accepted: ${preview(input)}`);
    } else if (verdict instanceof ProjectedTokenError) {
      refused[verdict.code] = (refused[verdict.code] ?? 0) + 1;
      if (isAcceptable(input)) findings.push(`wrongly refused (${verdict.code}): ${preview(input)}`);
      if (revealsSignature(verdict, input)) findings.push(`error shows the token: ${preview(input)}`);
    } else {
      findings.push(`untyped ${String(verdict)}: ${preview(input)}`);
    }
  }
  return { inputs, accepted, refused, slowestMs, findings };
}

const memory = createFsFromVolume(new Volume());
const FILE = '/vault-token';

async function judge(input: Buffer): Promise<unknown> {
  memory.writeFileSync(FILE, input);
  try {
    const { text } = await readTokenFile(memory as unknown as TokenFileSystem, FILE);
    const token = BoundToken.parse(text);
    assertAcceptable(token, EXPECTED, NOW_MS);
    // Everything that a program may ask of an accepted token.
    void [token.refreshAt, token.warnAfter, token.expiresAt?.toISOString(), JSON.stringify(token), String(token)];
    return 'accepted';
  } catch (error) {
    return error;
  }
}

/** The shortest of up to three times: a pause of this machine is no fault of an input. */
async function millisecondsFor(input: Buffer): Promise<number> {
  let shortest = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < 3 && shortest > MAX_MS; attempt++) {
    const startMs = performance.now();
    await judge(input);
    shortest = Math.min(shortest, performance.now() - startMs);
  }
  return shortest;
}

/** The rules, written a second time and as plainly as possible: what must be accepted, and nothing else. */
function isAcceptable(input: Buffer): boolean {
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

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function revealsSignature(error: Error, input: Buffer): boolean {
  const signature = input.toString().split('.')[2] ?? '';
  if (signature.length < 20) return false;
  const shown = `${error.message}${error.stack}${JSON.stringify(error)}${String(error.cause)}`;
  return shown.includes(signature.slice(0, 12));
}

function preview(input: Buffer): string {
  const text = input.toString();
  return JSON.stringify(text.length > 2000 ? `${text.slice(0, 2000)}… (${text.length})` : text);
}

class Random {
  readonly #next: () => number;

  constructor(seed: number) {
    this.#next = seededRandom(seed);
  }

  below(limit: number): number {
    return Math.floor(this.#next() * limit);
  }

  chance(probability: number): boolean {
    return this.#next() < probability;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  text(maxLength: number): string {
    return Array.from({ length: this.below(maxLength) }, () =>
      String.fromCodePoint(this.below(this.chance(0.9) ? 128 : 0xd7ff)),
    ).join('');
  }
}

const TIMES = [
  0,
  -1,
  NOW,
  NOW - 1,
  NOW + 1,
  NOW + 9,
  NOW + 10,
  NOW + 11,
  NOW + 59,
  NOW + 61,
  NOW + 3600,
  1e9,
  8.64e12,
  8.65e12,
  1e300,
  -1e300,
  0.5,
];
const ODD: readonly unknown[] = [
  null,
  true,
  false,
  '',
  'vault',
  'x',
  [],
  {},
  ['vault'],
  [['vault']],
  { name: 'a' },
  [null],
  'https://kubernetes.default.svc',
  ...TIMES,
];
const NAMES = [
  'iss',
  'sub',
  'aud',
  'exp',
  'nbf',
  'iat',
  'jti',
  'kubernetes.io',
  '__proto__',
  'constructor',
  'toString',
  'x',
];

const WHITE_SPACE = ['\n', '\r\n', ' ', '\t', '\n\n', '\ufeff', '\u00a0'];

function makeFile(random: Random): Buffer {
  if (random.chance(0.002)) return Buffer.from(random.pick(WHITE_SPACE).repeat(random.below(20)));
  let text = makeText(random);
  if (random.chance(0.1)) text = `${text}${random.pick(WHITE_SPACE)}`;
  if (random.chance(0.02)) text = `${random.pick(WHITE_SPACE)}${text}`;
  // About as much as is read of a file, and a little more.
  if (random.chance(0.001)) text = text.padEnd(MAX_TOKEN_BYTES - 2 + random.below(5), random.pick([' ', 'A', '\0']));
  const bytes = Buffer.from(text);
  if (random.chance(0.01) && bytes.length > 0) bytes[random.below(bytes.length)] = 0x80 + random.below(0x80);
  return bytes;
}

function makeText(random: Random): string {
  if (random.chance(0.05)) return random.text(200);
  const token = [
    base64url(random, makeHeader(random)),
    base64url(random, makeClaims(random)),
    random.chance(0.98) ? 'c2lnbmF0dXJlLW9mLWEtdG9rZW4tdGhhdC1pcy1zZWNyZXQ' : '',
  ].join('.');
  return random.chance(0.3) ? damage(random, token) : token;
}

function makeHeader(random: Random): unknown {
  return random.chance(0.95) ? { alg: 'RS256', kid: 'key' } : random.pick(ODD);
}

function makeClaims(random: Random): unknown {
  if (random.chance(0.02)) return random.pick(ODD);
  const claims: Record<string, unknown> = {
    aud: ['vault'],
    exp: NOW + 3600,
    iat: NOW,
    iss: 'https://kubernetes.default.svc',
    nbf: NOW,
    sub: 'system:serviceaccount:default:build-robot',
    'kubernetes.io': { namespace: 'default', serviceaccount: { name: 'build-robot', uid: 'u' } },
  };
  for (let changes = random.below(4); changes > 0; changes--) {
    const target = random.chance(0.7) ? claims : (claims['kubernetes.io'] as Record<string, unknown>);
    const names = target === claims ? NAMES : ['namespace', 'serviceaccount', 'pod', 'node', 'secret', 'warnafter'];
    if (!isRecord(target)) continue;
    const name = random.pick(names);
    if (random.chance(0.2)) delete target[name];
    else
      Object.defineProperty(target, name, {
        value: random.chance(0.4) ? random.pick(TIMES) : structuredClone(random.pick(ODD)),
        enumerable: true,
        configurable: true,
        writable: true,
      });
  }
  if (random.chance(0.005)) claims.deep = 0;
  return claims;
}

function base64url(random: Random, value: unknown): string {
  // Nested too deep for JSON.stringify to write, not for a parser to read.
  const deep = () => `"deep":${'['.repeat(20_000)}${']'.repeat(20_000)}`;
  let json = (JSON.stringify(value) ?? 'undefined').replace('"deep":0', deep);
  if (random.chance(0.02)) json = json.slice(0, random.below(json.length));
  if (random.chance(0.02)) json = `${json}${random.pick(['}', ' ', '\0', '﻿', '{}'])}`;
  if (random.chance(0.01)) return Buffer.from([0xff, 0xfe, ...Buffer.from(json)]).toString('base64url');
  return Buffer.from(json).toString(random.chance(0.98) ? 'base64url' : 'base64');
}

function damage(random: Random, token: string): string {
  const at = random.below(token.length);
  switch (random.below(6)) {
    case 0:
      return token.slice(0, at);
    case 1:
      return token.slice(0, at) + random.text(5) + token.slice(at);
    case 2:
      return token.slice(0, at) + token.slice(at + 1 + random.below(5));
    case 3:
      return token + random.pick(['.', '..', '=', '\n', ' ', token]);
    case 4:
      return token.replace('.', random.pick(['', '..', '. ', ' .']));
    default:
      return token.slice(0, at) + random.pick(['A', '_', '-', '%', '=', '\u{1f600}']) + token.slice(at + 1);
  }
}
