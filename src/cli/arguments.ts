import { parseArgs } from 'node:util';
import type { ProjectedTokenProviderOptions } from '../provider-options.js';

/** What the user asked for. */
export type Command =
  | { readonly name: 'help' | 'version' }
  | (TokenOptions & { readonly name: 'inspect'; readonly json: boolean; readonly showToken: boolean })
  | (TokenOptions & { readonly name: 'watch'; readonly json: boolean; readonly showToken: boolean })
  | (TokenOptions & { readonly name: 'wait'; readonly timeoutSeconds: number; readonly showToken: boolean });

/** Which token, and what it must be. */
export type TokenOptions = Pick<ProjectedTokenProviderOptions, 'path' | 'audience' | 'issuer' | 'subject'>;

/** The command line cannot be understood; its message says why. */
export class UsageError extends Error {}

export const HELP = `Usage: projected-token <command> [path] [options]

Looks at the Kubernetes bound service account token in a projected volume.
[path] is the token file, or the mount directory that holds one token
(default: /var/run/secrets/tokens).

Commands:
  inspect   Say what the token is, for whom and how old, what is wrong with it
            and how to cure that.
  watch     Print a line for each event (rotation, rejection, expiry, …) until
            interrupted; one JSON object a line when piped.
  wait      Return when an acceptable token is there, as an init container does.

Options:
  --audience <name>    Audience that the token must carry (repeat for one of several)
  --issuer <url>       Issuer that it must come from (repeat for one of several)
  --subject <name>     Subject that it must be for: system:serviceaccount:<ns>:<name>
  --json               inspect, watch: print JSON
  --timeout <seconds>  wait: give up after so long (default 60)
  --show-token         Print the token itself: a secret
  -h, --help           Print this help
  --version            Print the version

Exit code: 0 the token is acceptable, 1 it is not, 2 the command line is wrong.

Examples:
  projected-token inspect /var/run/secrets/tokens/vault-token --audience vault
  projected-token watch | jq 'select(.event == "rotated")'
  projected-token wait --audience vault --timeout 120
`;

const OPTIONS = {
  audience: { type: 'string', multiple: true },
  issuer: { type: 'string', multiple: true },
  subject: { type: 'string', multiple: true },
  json: { type: 'boolean' },
  timeout: { type: 'string' },
  'show-token': { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean' },
} as const;

const DEFAULT_TIMEOUT_SECONDS = 60;

/** Reads a command line; throws {@link UsageError}. */
export function parseArguments(args: readonly string[]): Command {
  const { values, positionals } = parse(args);
  const [name, path, ...rest] = positionals;
  if (values.help || name === 'help') return { name: 'help' };
  if (values.version) return { name: 'version' };
  if (name === undefined) throw new UsageError('no command given.');
  if (rest.length > 0) throw new UsageError(`one path at most, and "${rest[0]}" is another.`);
  const { audience, issuer, subject, json = false, 'show-token': showToken = false } = values;
  const token = { path, audience, issuer, subject, showToken };
  if (name !== 'wait' && values.timeout !== undefined) throw new UsageError('--timeout is an option of wait.');
  switch (name) {
    case 'inspect':
    case 'watch':
      return { name, ...token, json };
    case 'wait':
      if (json) throw new UsageError('--json is an option of inspect and watch.');
      return { name, ...token, timeoutSeconds: secondsOf(values.timeout) };
    default:
      throw new UsageError(`"${name}" is no command.`);
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function secondsOf(text: string | undefined): number {
  const seconds = text === undefined ? DEFAULT_TIMEOUT_SECONDS : Number(text);
  if (!(seconds > 0 && seconds <= 86_400)) throw new UsageError('--timeout must be a number of seconds up to 86400.');
  return seconds;
}
