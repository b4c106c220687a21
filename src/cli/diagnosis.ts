import nodeFs from 'node:fs';
import { ProjectedTokenError } from '../errors.js';
import { resolveProviderOptions } from '../provider-options.js';
import { assertAcceptable, withPath } from '../token/acceptance.js';
import { BoundToken } from '../token/bound-token.js';
import { overdueAtSeconds } from '../token/schedule.js';
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
  readonly path: string;
  readonly file: string | undefined;
  readonly kind: 'projected' | 'regular' | undefined;
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
  const blame = (error: unknown) => {
    if (!(error instanceof ProjectedTokenError)) throw error;
    findings.push({ severity: 'error', code: error.code, message: error.message });
  };
  let content: Awaited<ReturnType<typeof readTokenFile>> | undefined;
  let token: BoundToken | undefined;
  try {
    content = await readTokenFile(nodeFs, path);
    token = BoundToken.parse(content.text);
    assertAcceptable(token, expectation, nowMs);
  } catch (error) {
    blame(withPath(error, content?.file ?? path));
  }
  if (content?.kind === 'regular') findings.push(REGULAR_FILE);
  if (token !== undefined) findings.push(...rotationFindings(token, nowMs));
  const stats = await nodeFs.promises.stat(content?.file ?? path).catch(() => undefined);
  return {
    path,
    file: content?.file,
    kind: content?.kind,
    mode: stats && (stats.mode & 0o7777).toString(8).padStart(4, '0'),
    uid: stats?.uid,
    gid: stats?.gid,
    token,
    findings,
  };
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
