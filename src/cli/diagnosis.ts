import nodeFs, { type Stats } from 'node:fs';
import type { TokenFileError } from '../errors.js';
import { isProjectedTokenError } from '../internal/is-projected-token-error.js';
import { resolveProviderOptions } from '../provider/provider-options.js';
import { assertAcceptable, withPath } from '../token/acceptance.js';
import { BoundToken } from '../token/bound-token.js';
import { overdueAtSeconds } from '../token/schedule.js';
import { locateVolume } from '../volume/locate-volume.js';
import { readTokenFile } from '../volume/read-token-file.js';
import type { TokenOptions } from './arguments.js';

/** Something about a token that a person should know. */
export interface Finding {
  /** `error`: the token cannot be used. `warning`: it can, for now. */
  readonly severity: 'error' | 'warning';
  readonly code: string;
  /** What is wrong, and what to do about it. */
  readonly message: string;
}

/** What `inspect` finds out about a token file. */
export interface Diagnosis {
  /** The path asked for. */
  readonly path: string;
  /** The file that was looked at: that of the path, or the one found in its directory. */
  readonly file: string;
  /** A link into a projected volume, a plain file, or a directory; undefined when it is neither or cannot be seen. */
  readonly kind: 'projected' | 'regular' | 'directory' | undefined;
  /** Permission bits in octal, as `0640`. */
  readonly mode: string | undefined;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  readonly token: BoundToken | undefined;
  readonly findings: readonly Finding[];
}

/** Reads a token file and says what is wrong with it. */
export async function diagnose(options: TokenOptions, nowMs: number): Promise<Diagnosis> {
  const { path, expectation } = resolveProviderOptions(options);
  const findings: Finding[] = [];
  let file = path;
  let token: BoundToken | undefined;
  try {
    const content = await readTokenFile(nodeFs, path);
    file = content.file;
    token = BoundToken.parse(content.text);
    assertAcceptable(token, expectation, nowMs);
  } catch (cause) {
    const error = withPath(cause, file);
    if (!isProjectedTokenError(error)) throw error;
    file = (error as Partial<TokenFileError>).path ?? file;
    findings.push({ severity: 'error', code: error.code, message: error.message });
  }
  const { kind, stats } = await lookAt(file);
  if (kind === 'regular') findings.push(REGULAR_FILE);
  if (token !== undefined) findings.push(...rotationFindings(token, nowMs));
  return {
    path,
    file,
    kind,
    mode: stats && (stats.mode & 0o7777).toString(8).padStart(4, '0'),
    uid: stats?.uid,
    gid: stats?.gid,
    token,
    findings,
  };
}

async function lookAt(file: string): Promise<{ kind: Diagnosis['kind']; stats: Stats | undefined }> {
  const stats = await nodeFs.promises.stat(file).catch(() => undefined);
  if (stats?.isDirectory()) return { kind: 'directory', stats };
  return { kind: stats?.isFile() ? (await locateVolume(nodeFs, file)).kind : undefined, stats };
}

const REGULAR_FILE: Finding = {
  severity: 'warning',
  code: 'REGULAR_FILE',
  message:
    'The file is no link into a projected volume, so the kubelet does not replace it. If it is mounted with subPath, mount the whole volume instead.',
};

function rotationFindings(token: BoundToken, nowMs: number): Finding[] {
  const expiresAtMs = token.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY;
  const overdueAtMs = (overdueAtSeconds(token.claims) ?? Number.POSITIVE_INFINITY) * 1000;
  if (nowMs >= expiresAtMs || nowMs < overdueAtMs) return [];
  return [
    {
      severity: 'warning',
      code: 'ROTATION_OVERDUE',
      message:
        'The token should have been replaced by now. Check that the pod is not terminating, and the events of the pod and the kubelet.',
    },
  ];
}
