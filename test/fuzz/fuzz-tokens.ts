import { createFsFromVolume, Volume } from 'memfs';
import { BoundToken, ProjectedTokenError, type TokenFileSystem } from 'projected-token';
import { assertAcceptable } from '../../src/token/acceptance.js';
import { readTokenFile } from '../../src/volume/read-token-file.js';
import { EXPECTED, isAcceptable, NOW_MS } from './acceptance-rules.js';
import { makeTokenFile } from './make-token-file.js';
import { Random } from './random.js';

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
    const input = makeTokenFile(random);
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

/** Processor time, the shortest of up to three: neither what else the machine does nor a collection of garbage is a fault of an input. */
async function millisecondsFor(input: Buffer): Promise<number> {
  let shortest = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < 3 && shortest > MAX_MS; attempt++) {
    const before = process.cpuUsage();
    await judge(input);
    const { user, system } = process.cpuUsage(before);
    shortest = Math.min(shortest, (user + system) / 1000);
  }
  return shortest;
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
