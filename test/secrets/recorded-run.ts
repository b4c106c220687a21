import { spawn } from 'node:child_process';
import { closeSync, createReadStream, openSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type Leak, SignatureFinder } from './find-signature.js';

/** Something that could be seen from outside, as record-process.mjs writes it down. */
interface Seen {
  readonly source: string;
  /** The test, or the command of the process. */
  readonly during?: string;
  readonly text: string;
}

/** A leak, and where it was seen. */
export type Finding = Leak & Omit<Seen, 'text'>;

/** What was scanned, and what was found. */
export interface ScanReport {
  readonly signatures: number;
  /** How many texts there were of each source. */
  readonly scanned: Readonly<Record<string, number>>;
  readonly characters: number;
  readonly findings: readonly Finding[];
}

const OUTPUT = 'output of the run';

/** A run of vitest in which every process writes down what it shows, and each signature that it makes. */
export class RecordedRun implements AsyncDisposable {
  private constructor(
    private readonly directory: string,
    /** Whether all its tests passed. */
    readonly hasPassed: boolean,
  ) {}

  /** @param filters - names of test files; all, if none are given */
  static async of(filters: readonly string[], environment: Record<string, string> = {}): Promise<RecordedRun> {
    const directory = await mkdtemp(join(tmpdir(), 'projected-token-secrets-'));
    const local = (name: string) => new URL(name, import.meta.url);
    const output = openSync(join(directory, OUTPUT), 'w');
    const args = ['vitest', 'run', '--config', fileURLToPath(local('vitest.config.ts')), ...filters];
    const run = spawn('npx', args, {
      cwd: local('../../'),
      stdio: ['ignore', output, output],
      env: {
        ...process.env,
        ...environment,
        PROJECTED_TOKEN_RECORDING: directory,
        NODE_OPTIONS: `--import ${local('record-process.mjs')}`,
      },
    });
    const code = await new Promise((resolve) => run.once('close', resolve));
    closeSync(output);
    return new RecordedRun(directory, code === 0);
  }

  /** What the run printed. */
  output(): Promise<string> {
    return readFile(join(this.directory, OUTPUT), 'utf8');
  }

  async scan(): Promise<ScanReport> {
    const signatures = await this.#signatures();
    const finder = new SignatureFinder(signatures);
    const scanned: Record<string, number> = {};
    const findings: Finding[] = [];
    let characters = 0;
    for await (const { text, ...where } of this.#seen()) {
      scanned[where.source] = (scanned[where.source] ?? 0) + 1;
      characters += text.length;
      findings.push(...finder.find(text).map((leak) => ({ ...leak, ...where })));
    }
    return { signatures: signatures.length, scanned, characters, findings };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.directory, { recursive: true });
  }

  async #signatures(): Promise<Buffer[]> {
    const all = new Set<string>();
    for (const file of await this.#files('.signatures')) {
      for (const line of (await readFile(file, 'utf8')).split('\n')) if (line !== '') all.add(line);
    }
    return [...all].map((digits) => Buffer.from(digits, 'hex'));
  }

  async *#seen(): AsyncGenerator<Seen> {
    yield { source: OUTPUT, text: await this.output() };
    for (const file of await this.#files('.records')) {
      for await (const line of createInterface(createReadStream(file))) yield JSON.parse(line) as Seen;
    }
  }

  async #files(suffix: string): Promise<string[]> {
    const names = await readdir(this.directory);
    return names.filter((name) => name.endsWith(suffix)).map((name) => join(this.directory, name));
  }
}
