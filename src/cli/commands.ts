/** An option of the command line. */
export interface OptionSpec {
  /** One letter for it. */
  readonly short?: string;
  /** Placeholder of its value; an option without one is a switch. */
  readonly value?: string;
  /** Whether its value is the path of a file. */
  readonly isFile?: boolean;
  /** Lines of the help. */
  readonly help: readonly string[];
}

/** A command, its argument and its options. */
export interface CommandSpec {
  /** Its argument, as in the help. */
  readonly argument: string;
  /** Possible arguments; undefined for a path. */
  readonly words?: readonly string[];
  /** Its line in the help of all commands. */
  readonly summary: readonly string[];
  /** More lines in its own help. */
  readonly details: readonly string[];
  readonly options: readonly OptionName[];
  readonly exitCodes: readonly string[];
  readonly examples: readonly string[];
}

/** Every option, in the order of the help. */
export const OPTIONS = {
  audience: { value: 'name', help: ['Audience that the token must have; repeat for several'] },
  issuer: { value: 'url', help: ['Issuer that the token must have; repeat for several'] },
  subject: {
    value: 'name',
    help: ['Subject that the token must have, such as', 'system:serviceaccount:<namespace>:<name>'],
  },
  json: { help: ['Print JSON'] },
  claims: { help: ['Print the header and every claim as well'] },
  verify: { help: ['Check the signature with the keys of the issuer', '(OpenID Connect Discovery)'] },
  'api-server': {
    value: 'url',
    help: ['With --verify: API server to get the keys from', 'instead, such as http://127.0.0.1:8001 (kubectl proxy)'],
  },
  ca: { value: 'file', isFile: true, help: ['With --verify: CA certificates of that server (PEM)'] },
  bearer: { value: 'file', isFile: true, help: ['With --verify: file with a token for that server'] },
  timeout: { value: 'seconds', help: ['Time limit in seconds (default 60; 0 checks once)'] },
  'show-token': { help: ['Print the token itself, which is a secret'] },
  help: { short: 'h', help: ['Print this help'] },
  version: { short: 'v', help: ['Print the version'] },
} as const satisfies Record<string, OptionSpec>;

/** Name of an option, without its dashes. */
export type OptionName = keyof typeof OPTIONS;

/** Options that every command has. */
export const GLOBAL_OPTIONS: readonly OptionName[] = ['help', 'version'];

const TOKEN_OPTIONS = ['audience', 'issuer', 'subject'] as const satisfies readonly OptionName[];

const PATH_DETAILS = [
  '[path] is the token file, or the mount directory that holds one token',
  '(default: /var/run/secrets/tokens).',
];

/** Every command: the one table that arguments, help and completions are made from. */
export const COMMANDS = {
  inspect: {
    argument: '[path | -]',
    summary: ['Print the claims and the age of the token, what is wrong with it', 'and how to fix it'],
    details: [...PATH_DETAILS, 'With - the token is read from standard input.'],
    options: [...TOKEN_OPTIONS, 'claims', 'verify', 'api-server', 'ca', 'bearer', 'json', 'show-token'],
    exitCodes: ['0 the token is acceptable, 1 it is not, 2 the command line is wrong.', 'Warnings do not change it.'],
    examples: [
      'projected-token inspect /var/run/secrets/tokens/vault-token --audience vault',
      'kubectl create token shop | projected-token inspect - --claims',
      'projected-token inspect --verify --api-server http://127.0.0.1:8001',
    ],
  },
  watch: {
    argument: '[path]',
    summary: ['Print a line for each event (rotation, rejection, expiry, …)', 'until interrupted'],
    details: [...PATH_DETAILS, 'Into a pipe, or with --json, it prints one JSON object per line.'],
    options: [...TOKEN_OPTIONS, 'json', 'show-token'],
    exitCodes: ['0 a token was usable when it was interrupted, 1 none was,', '2 the command line is wrong.'],
    examples: ['projected-token watch | jq \'select(.event == "rotated")\''],
  },
  wait: {
    argument: '[path]',
    summary: ['Wait for an acceptable token, for an init container'],
    details: [...PATH_DETAILS, 'The reason for the wait is printed on standard error.'],
    options: [...TOKEN_OPTIONS, 'timeout', 'json', 'show-token'],
    exitCodes: [
      '0 there is an acceptable token, 1 none within --timeout or',
      'interrupted, 2 the command line is wrong.',
    ],
    examples: ['projected-token wait --audience vault --timeout 120'],
  },
  completion: {
    argument: '<bash | zsh>',
    words: ['bash', 'zsh'],
    summary: ['Print a script that completes commands and options'],
    details: ['Load it in the start-up file of the shell, after compinit in zsh.'],
    options: [],
    exitCodes: ['0, or 2 when the command line is wrong.'],
    examples: ['source <(projected-token completion bash)'],
  },
} as const satisfies Record<string, CommandSpec>;

/** Name of a command. */
export type CommandName = keyof typeof COMMANDS;

/** Names of all commands, in the order of the help. */
export const COMMAND_NAMES = Object.keys(COMMANDS) as readonly CommandName[];

/** Returns the command of that name; undefined if there is none. */
export function commandNamed(name: string): CommandSpec | undefined {
  return Object.hasOwn(COMMANDS, name) ? COMMANDS[name as CommandName] : undefined;
}

/** Returns the option of that name; undefined if there is none. */
export function optionNamed(name: string): OptionSpec | undefined {
  return Object.hasOwn(OPTIONS, name) ? OPTIONS[name as OptionName] : undefined;
}
