import { parseArgs } from 'node:util';
import type { ProjectedTokenProviderOptions } from '../provider/provider-options.js';
import {
  COMMAND_NAMES,
  type CommandName,
  type CommandSpec,
  commandNamed,
  GLOBAL_OPTIONS,
  OPTIONS,
  type OptionName,
  optionNamed,
} from './commands.js';

/** A parsed command line. */
export type Command =
  | { readonly name: 'help'; readonly about?: CommandName }
  | { readonly name: 'version' }
  | InspectCommand
  | WatchCommand
  | WaitCommand
  | { readonly name: 'completion'; readonly shell: 'bash' | 'zsh' };

/** Options that select a token and set its requirements. */
export type TokenOptions = Pick<ProjectedTokenProviderOptions, 'path' | 'audience' | 'issuer' | 'subject'>;

/** Options common to all commands with a token. */
interface TokenCommand extends TokenOptions {
  readonly json: boolean;
  readonly showToken: boolean;
}

/** `inspect` and its options. */
export interface InspectCommand extends TokenCommand {
  readonly name: 'inspect';
  readonly claims: boolean;
  /** Source of the keys; undefined without a check of the signature. */
  readonly verify: KeySource | undefined;
}

/** Where `inspect --verify` gets the keys of the issuer from. */
export interface KeySource {
  /** The API server; undefined for the issuer itself. */
  readonly apiServer: string | undefined;
  /** File with the CA certificates of that server. */
  readonly ca: string | undefined;
  /** File with a token for that server. */
  readonly bearer: string | undefined;
}

/** `watch` and its options. */
export interface WatchCommand extends TokenCommand {
  readonly name: 'watch';
}

/** `wait` and its options. */
export interface WaitCommand extends TokenCommand {
  readonly name: 'wait';
  readonly timeoutSeconds: number;
}

/** The argument that stands for standard input. */
export const STANDARD_INPUT = '-';

/** Thrown for an invalid command line, with the reason as its message. */
export class UsageError extends Error {
  constructor(
    message: string,
    /** The command that it is about, if any. */
    readonly command?: CommandName,
  ) {
    super(message);
  }
}

const DEFAULT_TIMEOUT_SECONDS = 60;
const MAX_TIMEOUT_SECONDS = 86_400;

/** Reads a command line; throws {@link UsageError}. */
export function parseArguments(args: readonly string[]): Command {
  const { words, options } = readWords(args);
  const [name, ...rest] = words;
  if (options.has('help')) {
    return name === undefined || commandNamed(name) === undefined ? { name: 'help' } : help([name]);
  }
  if (options.has('version')) return { name: 'version' };
  if (name === undefined) throw new UsageError('no command given.');
  if (name === 'help') return help(rest);
  return commandOf(nameOf(name), rest, options);
}

function help([about]: readonly string[]): Command {
  return about === undefined || about === 'help' ? { name: 'help' } : { name: 'help', about: nameOf(about) };
}

function nameOf(name: string): CommandName {
  if (commandNamed(name) === undefined) throw new UsageError(`unknown command "${name}".`);
  return name as CommandName;
}

function commandOf(name: CommandName, rest: readonly string[], options: Options): Command {
  const spec: CommandSpec = commandNamed(name)!;
  for (const option of options.keys()) {
    if (spec.options.includes(option) || GLOBAL_OPTIONS.includes(option)) continue;
    const takers = COMMAND_NAMES.filter((each) => commandNamed(each)!.options.includes(option));
    throw new UsageError(`--${option} is an option of ${takers.join(' and ')}, not of ${name}.`, name);
  }
  if (rest.length > 1) throw new UsageError(`${name} takes one argument, and "${rest[1]}" is another.`, name);
  const [argument] = rest;
  if (argument === '') throw new UsageError(`the argument ${spec.argument} is empty.`, name);
  const token = {
    path: argument,
    audience: options.get('audience'),
    issuer: options.get('issuer'),
    subject: options.get('subject'),
    json: options.has('json'),
    showToken: options.has('show-token'),
  };
  if (argument === STANDARD_INPUT && name !== 'inspect') {
    throw new UsageError(`only inspect reads standard input (argument "-"), not ${name}.`, name);
  }
  switch (name) {
    case 'inspect':
      return { name, ...token, claims: options.has('claims'), verify: keySourceOf(options) };
    case 'watch':
      return { name, ...token };
    case 'wait':
      return { name, ...token, timeoutSeconds: secondsOf(options.get('timeout')?.at(-1)) };
    case 'completion':
      if (argument === 'bash' || argument === 'zsh') return { name, shell: argument };
      throw new UsageError(
        `completion takes the name of a shell, bash or zsh${argument === undefined ? '' : `, not "${argument}"`}.`,
        name,
      );
  }
}

function keySourceOf(options: Options): KeySource | undefined {
  const [apiServer, ca, bearer] = (['api-server', 'ca', 'bearer'] as const).map((option) => {
    const value = options.get(option)?.at(-1);
    if (value !== undefined && !options.has('verify')) throw new UsageError(`--${option} needs --verify.`, 'inspect');
    return value;
  });
  return options.has('verify') ? { apiServer, ca, bearer } : undefined;
}

/** The options that were given, each with its values; a switch has none. */
type Options = ReadonlyMap<OptionName, string[]>;

/** Separates options from other words. `node:util` splits the words; errors are reported here. */
function readWords(args: readonly string[]): { words: string[]; options: Options } {
  const config = Object.fromEntries(
    (Object.keys(OPTIONS) as OptionName[]).map((name) => {
      const { short, value } = optionNamed(name)!;
      return [name, { type: value === undefined ? 'boolean' : 'string', ...(short && { short }) } as const];
    }),
  );
  const { tokens } = parseArgs({
    args: [...args],
    options: config,
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const words: string[] = [];
  const options = new Map<OptionName, string[]>();
  for (const token of tokens) {
    if (token.kind === 'positional') words.push(token.value);
    if (token.kind !== 'option') continue;
    const spec = optionNamed(token.name);
    if (spec === undefined) throw new UsageError(`unknown option "${token.rawName}".`);
    const name = token.name as OptionName;
    options.set(name, [...(options.get(name) ?? []), ...valuesOf(name, spec.value, token)]);
  }
  return { words, options };
}

function valuesOf(
  name: OptionName,
  placeholder: string | undefined,
  { value, inlineValue }: { readonly value?: string | undefined; readonly inlineValue?: boolean | undefined },
): string[] {
  if (placeholder === undefined) {
    if (value !== undefined) throw new UsageError(`--${name} takes no value, and "${value}" is one.`);
    return [];
  }
  if (value === undefined) throw new UsageError(`--${name} needs a value: --${name} <${placeholder}>.`);
  // A word like an option is unlikely to be meant as a value.
  if (!inlineValue && value.startsWith('-')) {
    throw new UsageError(
      `--${name} needs a value before "${value}". For one that begins with a dash: --${name}=${value}.`,
    );
  }
  if (value === '' && name !== 'timeout') throw new UsageError(`the value of --${name} is empty.`);
  return [value];
}

function secondsOf(text: string | undefined): number {
  if (text === undefined) return DEFAULT_TIMEOUT_SECONDS;
  if (!/^\d+(\.\d+)?$/.test(text) || Number(text) > MAX_TIMEOUT_SECONDS) {
    throw new UsageError(`--timeout takes a number of seconds up to ${MAX_TIMEOUT_SECONDS}, not "${text}".`, 'wait');
  }
  return Number(text);
}
