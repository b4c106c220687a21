import { decodeProtectedHeader } from 'jose/decode/protected_header';
import { printable } from '../internal/printable.js';
import type { BoundToken } from '../token/bound-token.js';
import type { KubernetesObjectReference } from '../token/claims.js';
import type { InspectCommand } from './arguments.js';
import { type Diagnosis, diagnose } from './diagnosis.js';
import { fromNow, lifetimeBar, timestamp } from './lifetime.js';
import { STANDARD_INPUT_NAME } from './read-standard-input.js';
import { columnsOf, type Output, type Paint, paintFor, printableJson, type Terminal, wrap } from './terminal.js';

/** Runs `inspect`: prints the token's claims and what is wrong with it. */
export async function inspectToken(command: InspectCommand, { stdin, stdout, env }: Terminal): Promise<number> {
  const nowMs = Date.now();
  const diagnosis = await diagnose(command, stdin, nowMs);
  const { token, findings } = diagnosis;
  const secret = command.showToken ? token?.value : undefined;
  const content = token && { header: decodeProtectedHeader(token.value), claims: token.claims };
  if (command.json) {
    stdout.write(`${printableJson({ ...diagnosis, ...content, value: secret }, 2)}\n`);
  } else {
    const paint = paintFor(stdout, env);
    const rows = [...fileRows(diagnosis), ...(token === undefined ? [] : tokenRows(token, diagnosis, nowMs))];
    const lines = rows.flatMap(([label, text]) =>
      text ? [row(label, wrap(printable(text), stdout, LABEL_WIDTH))] : [],
    );
    const bar = token && lifetimeBar(token, nowMs, paint, Math.min(40, columnsOf(stdout) - LABEL_WIDTH - AFTER_BAR));
    if (bar !== undefined) lines.push(row('life', `${bar}  ${paint('dim', '┃ refresh')}`));
    if (command.claims && content !== undefined) lines.push('', printableJson(content, 2));
    lines.push(...findingLines(findings, stdout, paint));
    if (secret !== undefined) lines.push('', secret);
    stdout.write(`${lines.join('\n')}\n`);
  }
  return findings.some(({ severity }) => severity === 'error') ? 1 : 0;
}

const LABEL_WIDTH = 12;
const AFTER_BAR = ' 100 %  ┃ refresh'.length + 1;

type Row = readonly [label: string, text: string | undefined];

function row(label: string, text: string): string {
  return `${label.padEnd(LABEL_WIDTH)}${text}`;
}

const KINDS = { projected: 'projected volume', regular: 'regular file', directory: 'directory' };

function fileRows({ file, kind, mode, uid, gid }: Diagnosis): Row[] {
  const details = [kind && KINDS[kind], mode && `mode ${mode}, uid ${uid}, gid ${gid}`];
  return [
    ['file', file ?? STANDARD_INPUT_NAME],
    ['', details.filter(Boolean).join(', ')],
  ];
}

function tokenRows(token: BoundToken, { expiryMarginSeconds, signature }: Diagnosis, nowMs: number): Row[] {
  const named = (object: KubernetesObjectReference | undefined) =>
    object && `${object.name}${object.uid === undefined ? '' : ` (uid ${object.uid})`}`;
  const moment = (date: Date | undefined) => date && `${timestamp(date)} (${fromNow(date, nowMs)})`;
  return [
    ['token', token.fingerprint],
    ['audience', token.audiences.join(', ')],
    ['issuer', token.issuer],
    ['subject', token.subject],
    ['pod', named(token.pod)],
    ['node', named(token.node)],
    ['issued', moment(token.issuedAt)],
    ['refresh', moment(token.refreshAt)],
    ['warn after', moment(token.warnAfter)],
    ['expires', moment(token.expiresAt)],
    ['used until', token.expiresAt && `${expiryMarginSeconds} s before that`],
    ['signature', signature && 'verified with the keys of the issuer'],
  ];
}

function findingLines(findings: Diagnosis['findings'], output: Output, paint: Paint): string[] {
  if (findings.length === 0) return ['', paint('green', 'The token is acceptable.')];
  return findings.flatMap(({ severity, code, message }) => [
    '',
    paint(severity === 'error' ? 'red' : 'yellow', `${severity} ${code}`),
    `  ${wrap(printable(message), output, 2)}`,
  ]);
}
