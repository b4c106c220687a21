import { MAX_TOKEN_BYTES } from '../../src/token/max-token-bytes.js';
import { isRecord, NOW } from './acceptance-rules.js';
import type { Random } from './random.js';

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

/** Makes a token file: a sound one, a damaged one, or one with odd claims. */
export function makeTokenFile(random: Random): Buffer {
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
