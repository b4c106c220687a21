import { type DemoRecord, type Percentiles, retried, type VaultRecord } from './demo-record.js';
import { type StyledLine, words, wrap } from './styled-line.js';

const LABEL_WIDTH = 15;

/** What the demo found: the object that `--json` prints. */
export interface Summary {
  /** Times that the new token was in hand; with `--naive`, times that the kubelet replaced the token. */
  readonly rotations: number;
  /** Requests of the program, each counted once. */
  readonly requests: number;
  /** Answers that refuse the token: 401, of Vault 403. */
  readonly refused: number;
  /** Requests that were sent a second time, with the new token. */
  readonly retried: number;
  /** Requests that ended without success. */
  readonly failed: number;
  /** From the swap of the volume to the new token in hand, over two processes; null when nothing was measured. */
  readonly swapToFreshMs: Percentiles | null;
  /** What happened at the embedded Vault; null where there was none. */
  readonly vault: VaultRecord | null;
}

/** To be taken when no request is under way. */
export function summarize(record: DemoRecord): Summary {
  return {
    rotations: record.rotations,
    requests: record.total('requests'),
    refused: record.total('refused'),
    retried: record.clients.reduce((sum, client) => sum + retried(client), 0),
    failed: record.total('failed'),
    swapToFreshMs: record.percentiles() ?? null,
    vault: record.vault.logins === 0 ? null : { ...record.vault },
  };
}

/** The summary in words. */
export function describeSummary(summary: Summary, record: DemoRecord, columns: number): StyledLine[] {
  const { rotations, requests, refused, retried: again, failed, swapToFreshMs: times, vault } = summary;
  const rows: [label: string, text: string][] = [];
  if (times !== null) {
    const { p50, p99, max } = times;
    rows.push([
      'new token',
      `in hand ${p50} ms after the swap in another process (median; p99 ${p99} ms, max ${max} ms)`,
    ]);
  }
  if (refused > 0)
    rows.push(['old token', `${count(refused, 'answer')} refused it; ${count(again, 'request')} sent again`]);
  if (vault !== null) {
    const { logins, renewals, revocations, restarts } = vault;
    const past = `${count(revocations, 'revocation')} and ${count(restarts, 'restart')}`;
    rows.push(['Vault', `${count(logins, 'login')} and ${count(renewals, 'renewal')}, past ${past}`]);
  }
  const reason = record.clients.find(({ firstFailure }) => firstFailure !== undefined)?.firstFailure;
  if (reason !== undefined) rows.push(['first failure', reason]);

  const style = failed === 0 ? 'green' : 'red';
  const result = `${count(requests, 'request')} through ${count(rotations, 'rotation')}, ${failed.toLocaleString('en')} failed`;
  const headline = record.clients.length === 0 ? count(rotations, 'rotation') : result;
  return [
    [[style, headline]],
    ...rows.flatMap(([label, text]) => wrap(words(text), columns, { label: `  ${label.padEnd(LABEL_WIDTH)}` })),
  ];
}

function count(value: number, noun: string): string {
  return `${value.toLocaleString('en')} ${noun}${value === 1 ? '' : 's'}`;
}
