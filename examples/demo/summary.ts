import { type DemoRecord, type Percentiles, retried, type VaultRecord } from './demo-record.js';

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
export function describeSummary(summary: Summary, record: DemoRecord): string[] {
  const count = (value: number) => value.toLocaleString('en');
  const times = summary.swapToFreshMs;
  const lines = [`rotations  ${count(summary.rotations)}`];
  if (times !== null) {
    const { p50, p99, max } = times;
    lines.push(`new token  p50 ${p50} ms, p99 ${p99} ms, max ${max} ms after the swap, in another process`);
  }
  if (record.clients.length > 0) {
    const { requests, refused, retried: again, failed } = summary;
    lines.push(`requests   ${count(requests)}`, `refused    ${count(refused)}`, `retried    ${count(again)}`);
    lines.push(`failed     ${count(failed)}`);
  }
  if (summary.vault !== null) {
    const { logins, renewals, revocations, restarts } = summary.vault;
    lines.push(
      `vault      logins ${logins}, renewals ${renewals}, after ${revocations} revocations and ${restarts} restarts`,
    );
  }
  const reason = record.clients.find(({ firstFailure }) => firstFailure !== undefined)?.firstFailure;
  if (reason !== undefined) lines.push(`           the first one: ${reason}`);
  return lines;
}
