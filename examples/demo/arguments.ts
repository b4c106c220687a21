import { parseArgs } from 'node:util';

/** What the user asked for. */
export interface DemoOptions {
  /** How long the demo runs; undefined: until it is interrupted. */
  readonly seconds: number | undefined;
  readonly rotateEverySeconds: number;
  readonly concurrency: number;
  readonly naive: boolean;
  readonly json: boolean;
  /** A real mounted token, instead of the embedded kubelet's. */
  readonly path: string | undefined;
  readonly audience: string | undefined;
  readonly url: string | undefined;
}

/** The command line cannot be understood; its message says why. */
export class UsageError extends Error {}

export const HELP = `Usage: npm run demo -- [options]

Rotates a bound service account token under running HTTP clients and shows what becomes of their requests.
A kubelet in another process replaces the token in a projected volume; a service in that process checks
signature, audience and expiry of each request's token, and refuses the old token from the instant of the swap.
A Vault there gives short-lived tokens for it, revokes them all now and then, and restarts.

  --seconds <n>       How long to run (default 15; with --path: until interrupted)
  --rotate-every <n>  Seconds between two rotations (default 2)
  --concurrency <n>   Requests under way at any time (default 8)
  --naive             Do as most programs do, for comparison: read the file once, and again every 60 s
  --json              Print one JSON object at the end, and nothing else: npm run --silent demo -- --json
  --path <path>       Follow this mounted token (file or mount directory) instead of the embedded kubelet's
  --audience <name>   With --path: the audience that the token must carry
  --url <url>         With --path: request this URL with the token; without it, only the token's life is shown
  -h, --help          Print this help

Exit code: 0 no request failed, 1 some did, 2 the command line is wrong.
`;

/** Reads the command line; undefined when help was asked for. Throws {@link UsageError}. */
export function parseArguments(args: readonly string[]): DemoOptions | undefined {
  const values = parse(args);
  if (values.help) return undefined;
  const { path, audience, url, naive = false, json = false } = values;
  if (path === undefined && (audience !== undefined || url !== undefined)) {
    throw new UsageError('--audience and --url go with --path.');
  }
  if (path !== undefined && naive)
    throw new UsageError('--naive needs the embedded kubelet, so it does not go with --path.');
  if (url !== undefined && !URL.canParse(url)) throw new UsageError('--url must be an absolute URL.');
  return {
    seconds: numberOf('seconds', values.seconds, 1, 86_400) ?? (path === undefined ? 15 : undefined),
    rotateEverySeconds: numberOf('rotate-every', values['rotate-every'], 0.05, 3600) ?? 2,
    concurrency: numberOf('concurrency', values.concurrency, 1, 1000) ?? 8,
    naive,
    json,
    path,
    audience,
    url,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        seconds: { type: 'string' },
        'rotate-every': { type: 'string' },
        concurrency: { type: 'string' },
        naive: { type: 'boolean' },
        json: { type: 'boolean' },
        path: { type: 'string' },
        audience: { type: 'string' },
        url: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function numberOf(name: string, text: string | undefined, min: number, max: number): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!(value >= min && value <= max)) throw new UsageError(`--${name} must be a number from ${min} to ${max}.`);
  return value;
}
