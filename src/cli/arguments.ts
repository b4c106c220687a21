import { parseArgs } from 'node:util';
import type { ProjectedTokenProviderOptions } from '../provider/provider-options.js';

/** What the user asked for. */
export type Command =
  | { readonly name: 'help' | 'version' }
  | (TokenOptions & { readonly name: 'inspect' | 'watch'; readonly json: boolean; readonly showToken: boolean })
  | (TokenOptions & { readonly name: 'wait'; readonly timeoutSeconds: number; readonly showToken: boolean });

/** Which token, and what it must be. */
export type TokenOptions = Pick<ProjectedTokenProviderOptions, 'path' | 'audience' | 'issuer' | 'subject'>;

/** The command line cannot be understood; its message says why. */
export class UsageError extends Error {}

const OPTIONS = {
  audience: { type: 'string', multiple: true },
  issuer: { type: 'string', multiple: true },
  subject: { type: 'string', multiple: true },
  json: { type: 'boolean' },
  timeout: { type: 'string' },
  'show-token': { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' },
} as const;

const DEFAULT_TIMEOUT_SECONDS = 60;
const MAX_TIMEOUT_SECONDS = 86_400;

/** Reads a command line; throws {@link UsageError}. */
export function parseArguments(args: readonly string[]): Command {
  const { values, positionals } = parse(args);
  const [name, path, ...rest] = positionals;
  if (values.help || name === 'help') return { name: 'help' };
  if (values.version) return { name: 'version' };
  if (name === undefined) throw new UsageError('no command given.');
  const { audience, issuer, subject, timeout, json = false, 'show-token': showToken = false } = values;
  const token = { path, audience, issuer, subject, showToken };
  switch (name) {
    case 'inspect':
    case 'watch':
      if (timeout !== undefined) throw new UsageError('--timeout is an option of wait.');
      break;
    case 'wait':
      if (json) throw new UsageError('--json is an option of inspect and watch.');
      break;
    default:
      throw new UsageError(`"${name}" is no command.`);
  }
  if (rest.length > 0) throw new UsageError(`one path at most, and "${rest[0]}" is another.`);
  return name === 'wait' ? { name, ...token, timeoutSeconds: secondsOf(timeout) } : { name, ...token, json };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    // Of an unknown option Node goes on to say how it could be a path.
    const [message] = (error as Error).message.split('. To specify a positional argument');
    throw new UsageError(`${message!.replaceAll('\n', ' ').replace(/[.]?$/, '.')}`);
  }
}

function secondsOf(text: string | undefined): number {
  if (text === undefined) return DEFAULT_TIMEOUT_SECONDS;
  if (!/^\d+(\.\d+)?$/.test(text) || Number(text) > MAX_TIMEOUT_SECONDS) {
    throw new UsageError(`--timeout takes a number of seconds up to ${MAX_TIMEOUT_SECONDS}, not "${text}".`);
  }
  return Number(text);
}
