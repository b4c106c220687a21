import { readFileSync } from 'node:fs';
import { it } from 'vitest';

const TABLE = readFileSync(new URL('../../docs/faults.md', import.meta.url), 'utf8');

/**
 * One line of the table in docs/faults.md, and the test that holds the library to it.
 *
 * @param isPossible - whether this machine and user can bring the fault about; where not, the test says that it did not run
 */
export function fault(name: string, outcome: string, body: () => Promise<void>, isPossible = true): void {
  it.runIf(isPossible)(`${name}: ${outcome}`, async () => {
    if (!TABLE.includes(`| ${name} | ${outcome} |\n`)) throw new Error(`No line of docs/faults.md says so.`);
    await body();
  });
}
