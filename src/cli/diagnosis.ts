import nodeFs, { type Stats } from 'node:fs';
import type { TokenFileError } from '../errors.js';
import { isProjectedTokenError } from '../internal/is-projected-token-error.js';
import { resolveProviderOptions } from '../provider/provider-options.js';
import { assertAcceptable, withPath } from '../token/acceptance.js';
import { BoundToken } from '../token/bound-token.js';
import { overdueAtSeconds } from '../token/schedule.js';
import { locateVolume } from '../volume/locate-volume.js';
import { readTokenFile } from '../volume/read-token-file.js';
import { type KeySource, STANDARD_INPUT, type TokenOptions } from './arguments.js';
import { type Finding, findingOf } from './finding.js';
import { readStandardInput } from './read-standard-input.js';
import { checkSignature } from './signature-check.js';

/** What to diagnose. */
export interface DiagnosisOptions extends TokenOptions {
  /** Source of the keys; undefined without a check of the signature. */
  readonly verify: KeySource | undefined;
}

/** Result of `inspect`. */
export interface Diagnosis {
  /** The given path; `-` for standard input. */
  readonly path: string;
  /** The token file: the path, or the file found in its directory; undefined for standard input. */
  readonly file: string | undefined;
  /** A link into a projected volume, a plain file, or a directory; undefined for anything else or an unreadable path. */
  readonly kind: 'projected' | 'regular' | 'directory' | undefined;
  /** Permission bits in octal, as `0640`. */
  readonly mode: string | undefined;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  readonly token: BoundToken | undefined;
  /** How long before its expiry the token counts as expired, in seconds. */
  readonly expiryMarginSeconds: number;
  /** `verified` if the signature was checked and is valid; a failure is among the findings. */
  readonly signature: 'verified' | undefined;
  readonly findings: readonly Finding[];
}

/** Reads a token from a file or from standard input, and returns what is wrong with it. */
export async function diagnose(
  { verify, ...options }: DiagnosisOptions,
  input: AsyncIterable<Uint8Array | string>,
  nowMs: number,
): Promise<Diagnosis> {
  const { path, expectation } = resolveProviderOptions(options);
  const isFile = options.path !== STANDARD_INPUT;
  const findings: Finding[] = [];
  let file = isFile ? path : undefined;
  let token: BoundToken | undefined;
  try {
    if (isFile) {
      const content = await readTokenFile(nodeFs, path);
      file = content.file;
      token = BoundToken.parse(content.text);
    } else {
      token = BoundToken.parse(await readStandardInput(input));
    }
    assertAcceptable(token, expectation, nowMs);
  } catch (cause) {
    const error = file === undefined ? cause : withPath(cause, file);
    if (!isProjectedTokenError(error)) throw error;
    if (file !== undefined) file = (error as Partial<TokenFileError>).path ?? file;
    findings.push(findingOf(error));
  }
  const { kind, stats } = file === undefined ? NO_FILE : await lookAt(file);
  if (kind === 'regular') findings.push(REGULAR_FILE);
  if (token !== undefined && isFile) findings.push(...rotationFindings(token, nowMs));
  let signature: 'verified' | undefined;
  if (token !== undefined && verify !== undefined) {
    const wrong = await checkSignature(token, verify);
    if (wrong === undefined) signature = 'verified';
    else findings.push(wrong);
  }
  return {
    path: isFile ? path : STANDARD_INPUT,
    file,
    kind,
    mode: stats && (stats.mode & 0o7777).toString(8).padStart(4, '0'),
    uid: stats?.uid,
    gid: stats?.gid,
    token,
    expiryMarginSeconds: expectation.expiryMarginSeconds,
    signature,
    findings,
  };
}

const NO_FILE: Awaited<ReturnType<typeof lookAt>> = { kind: undefined, stats: undefined };

async function lookAt(file: string): Promise<{ kind: Diagnosis['kind']; stats: Stats | undefined }> {
  const stats = await nodeFs.promises.stat(file).catch(() => undefined);
  if (stats?.isDirectory()) return { kind: 'directory', stats };
  return { kind: stats?.isFile() ? (await locateVolume(nodeFs, file)).kind : undefined, stats };
}

const REGULAR_FILE: Finding = {
  severity: 'warning',
  code: 'REGULAR_FILE',
  message:
    'The file is not a link into a projected volume, so the kubelet does not replace it. If it is mounted with subPath, mount the whole volume instead.',
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
