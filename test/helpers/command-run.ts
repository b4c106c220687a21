import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { spawn as spawnInTerminal } from '@lydell/node-pty';
import { onTestFinished } from 'vitest';
import { builtPackage } from './built-package.js';
import { expectNoSecret } from './secrets.js';

const { directory } = await builtPackage();
const manifest = JSON.parse(await readFile(join(directory, 'package.json'), 'utf8'));

/** The built command, as the published package has it. */
export const COMMAND = join(directory, manifest.bin['projected-token']);

/** Options of {@link CommandRun}. */
export interface CommandRunOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** As a user who owns nothing, if this process is root: root may read every file. */
  readonly asNobody?: boolean;
  /** Width of the terminal. @default 80 */
  readonly columns?: number;
  /** A shell script with the command as its `"$@"`. */
  readonly script?: string;
  /** File descriptor for stdout. @default a pipe */
  readonly stdout?: number;
}

/** A process that the command runs in. */
interface Driver {
  signal(name: NodeJS.Signals): void;
  press(keys: string): void;
  resize(columns: number): void;
}

// Shorter than a test may take, so that a failure shows what came instead.
const PATIENCE_MS = 20_000;

/** A run of the built command, in a terminal or with pipes; it ends with its test. No secret may be in what it printed. */
export class CommandRun {
  /** What came out of both streams, as it came. */
  output = '';
  stdout = '';
  stderr = '';
  readonly #events = new EventEmitter();
  readonly #exited: Promise<number | string>;
  #driver!: Driver;
  #hasEnded = false;
  #seen = 0;

  private constructor(args: readonly string[]) {
    this.#exited = once(this.#events, 'exit').then(([exitCode]) => {
      if (!args.includes('--show-token')) expectNoSecret(this.output);
      return exitCode;
    });
    onTestFinished(async () => {
      if (!this.#hasEnded) this.signal('SIGKILL');
      await this.#exited;
    });
  }

  /** Starts the command with pipes, as a script does. */
  static piped(args: readonly string[], options: CommandRunOptions = {}): CommandRun {
    const run = new CommandRun(args);
    const [file, ...rest] = commandLine(args, options);
    const child = spawn(file!, rest, {
      env: environment(options),
      stdio: ['ignore', options.stdout ?? 'pipe', 'pipe'],
    });
    child.stdout?.setEncoding('utf8').on('data', (text: string) => run.#receive('stdout', text));
    child.stderr!.setEncoding('utf8').on('data', (text: string) => run.#receive('stderr', text));
    child.once('close', (exitCode, signal) => run.#end(exitCode ?? signal!));
    run.#driver = { signal: (name) => child.kill(name), press() {}, resize() {} };
    return run;
  }

  /** Starts the command in a terminal, as a person does. */
  static inTerminal(args: readonly string[], options: CommandRunOptions = {}): CommandRun {
    const run = new CommandRun(args);
    const [file, ...rest] = commandLine(args, options);
    const terminal = spawnInTerminal(file!, rest, { cols: options.columns ?? 80, rows: 24, env: environment(options) });
    terminal.onData((text) => run.#receive('stdout', text));
    terminal.onExit(({ exitCode, signal }) => run.#end(signal ? `signal ${signal}` : exitCode));
    run.#driver = {
      signal: (name) => terminal.kill(name),
      press: (keys) => terminal.write(keys),
      resize: (columns) => terminal.resize(columns, 24),
    };
    return run;
  }

  /** Its exit code, or what ended it. */
  get exitCode(): Promise<number | string> {
    return this.#exited;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Resolves when the pattern has come out, after what was waited for before; colours and erasures are not looked at. */
  async until(pattern: RegExp): Promise<RegExpExecArray> {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    for (;;) {
      const match = pattern.exec(stripVTControlCharacters(this.output).slice(this.#seen));
      if (match !== null) {
        this.#seen += match.index + match[0].length;
        return match;
      }
      if (this.#hasEnded || signal.aborted) throw new Error(`Nothing like ${pattern} came:\n${this.output}`);
      await once(this.#events, 'change', { signal }).catch(() => {});
    }
  }

  signal(name: NodeJS.Signals): void {
    this.#driver.signal(name);
  }

  /** Types into the terminal. */
  press(keys: string): void {
    this.#driver.press(keys);
  }

  resize(columns: number): void {
    this.#driver.resize(columns);
  }

  #receive(stream: 'stdout' | 'stderr', text: string): void {
    this[stream] += text;
    this.output += text;
    this.#events.emit('change');
  }

  #end(exitCode: number | string): void {
    this.#hasEnded = true;
    this.#events.emit('exit', exitCode);
    this.#events.emit('change');
  }
}

/** What is left of a run that ended. */
export interface EndedRun {
  readonly exitCode: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command with pipes to its end. */
export function run(args: readonly string[], options?: CommandRunOptions): Promise<EndedRun> {
  return ended(CommandRun.piped(args, options));
}

/** Runs the command in a terminal to its end; `stdout` has both streams. */
export function runInTerminal(args: readonly string[], options?: CommandRunOptions): Promise<EndedRun> {
  return ended(CommandRun.inTerminal(args, options));
}

async function ended(run: CommandRun): Promise<EndedRun> {
  const exitCode = await run.exitCode;
  return { exitCode, stdout: run.stdout, stderr: run.stderr };
}

function commandLine(args: readonly string[], { asNobody = false, script }: CommandRunOptions): string[] {
  const command = asNobody && process.getuid?.() === 0 ? asNobodyFrom(COMMAND) : [process.execPath, COMMAND];
  return [...(script === undefined ? [] : ['/bin/sh', '-c', script, 'sh']), ...command, ...args];
}

/** Modules are all loaded before the first of them runs: nobody need not be able to read them. */
function asNobodyFrom(main: string): string[] {
  const giveUpRoot = 'process.setgroups([]);process.setgid(65534);process.setuid(65534)';
  const program = `import 'data:text/javascript,${giveUpRoot}';import ${JSON.stringify(pathToFileURL(main).href)};`;
  return [process.execPath, '--input-type=module', '--eval', program, '--', main];
}

/** Nothing of this process but where programs are: it may itself be told to use colours or not. */
function environment({ env }: CommandRunOptions): Record<string, string> {
  return { PATH: process.env.PATH ?? '', TERM: 'xterm-256color', TZ: 'UTC', ...env };
}
