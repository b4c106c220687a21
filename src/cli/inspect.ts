import type { BoundToken } from '../token/bound-token.js';
import type { Command } from './arguments.js';
import { type Diagnosis, diagnose } from './diagnosis.js';
import { fromNow, lifetimeBar } from './lifetime.js';
import { type Paint, paintFor, printable, type Terminal } from './terminal.js';

type InspectCommand = Extract<Command, { name: 'inspect' }>;

/** `inspect`: what the token is, and what is wrong with it. */
export async function inspectToken(command: InspectCommand, terminal: Terminal): Promise<number> {
  const nowMs = Date.now();
  const diagnosis = await diagnose(command, nowMs);
  const { token } = diagnosis;
  const secret = command.showToken && token !== undefined ? token.value : undefined;
  if (command.json) {
    terminal.stdout.write(`${JSON.stringify({ ...diagnosis, value: secret }, undefined, 2)}\n`);
  } else {
    const paint = paintFor(terminal.stdout, terminal.env);
    const lines = [
      ...describeFile(diagnosis),
      ...describeToken(token, nowMs, paint),
      ...describeFindings(diagnosis, paint),
    ];
    if (secret !== undefined) lines.push(secret);
    terminal.stdout.write(`${lines.join('\n')}\n`);
  }
  return diagnosis.findings.some(({ severity }) => severity === 'error') ? 1 : 0;
}

function describeFile({ path, file, kind, mode, uid, gid }: Diagnosis): string[] {
  const kinds = { projected: 'projected volume', regular: 'regular file' };
  const details = [kind && kinds[kind], mode && `mode ${mode}`, uid !== undefined && `uid ${uid}, gid ${gid}`];
  return row('file', `${file ?? path}${details.some(Boolean) ? ` (${details.filter(Boolean).join(', ')})` : ''}`);
}

function describeToken(token: BoundToken | undefined, nowMs: number, paint: Paint): string[] {
  if (token === undefined) return [];
  const object = (reference: { name: string; uid?: string } | undefined) =>
    reference && `${reference.name}${reference.uid === undefined ? '' : ` (uid ${reference.uid})`}`;
  const moment = (date: Date | undefined) => date && `${date.toISOString()} (${fromNow(date, nowMs)})`;
  return [
    ...row('token', token.fingerprint),
    ...row('audience', token.audiences.join(', ') || undefined),
    ...row('issuer', token.issuer),
    ...row('subject', token.subject),
    ...row('pod', object(token.pod)),
    ...row('node', object(token.node)),
    ...row('issued', moment(token.issuedAt)),
    ...row('refresh', moment(token.refreshAt)),
    ...row('warn after', moment(token.warnAfter)),
    ...row('expires', moment(token.expiresAt)),
    ...row('life', lifetimeBar(token, nowMs, paint), (text) => text),
  ];
}

function describeFindings({ findings }: Diagnosis, paint: Paint): string[] {
  if (findings.length === 0) return ['', paint('green', 'The token is acceptable.')];
  return findings.flatMap(({ severity, code, message }) => [
    '',
    `${paint(severity === 'error' ? 'red' : 'yellow', `${severity} ${code}`)}\n  ${printable(message)}`,
  ]);
}

function row(label: string, text: string | undefined, show: (text: string) => string = printable): string[] {
  return text === undefined ? [] : [`${label.padEnd(10)}  ${show(text)}`];
}
