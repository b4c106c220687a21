import type { DemoRecord } from './demo-record.js';
import { summarize } from './summary.js';

/** Lines for a pipe or a log: one at each rotation. */
export class PlainReport {
  #told = 0;
  #notice: string | undefined;

  constructor(
    private readonly record: DemoRecord,
    private readonly write: (line: string) => void,
  ) {}

  /** Tells what is new. */
  update(): void {
    for (const { fingerprint } of this.record.tokens.slice(this.#told)) {
      const seconds = ((Date.now() - this.record.startedAtMs) / 1000).toFixed(1).padStart(6);
      const { requests, refused, retried, failed } = summarize(this.record);
      const traffic =
        this.record.clients.length === 0
          ? ''
          : `  requests ${requests}, refused ${refused}, retried ${retried}, failed ${failed}`;
      this.write(`${seconds} s  token ${fingerprint}${traffic}`);
    }
    this.#told = this.record.tokens.length;
    const { notice } = this.record;
    if (notice !== undefined && notice !== this.#notice) this.write(notice);
    this.#notice = notice;
  }
}
