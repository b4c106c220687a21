// Runs the suite and looks for eight bytes of any token's signature in everything that the library and its tests show:
//   npm run secrets
//   npm run secrets -- test/provider   only these tests
import { intentionOf } from './intended.js';
import { findPlantedLeaks } from './planted-leaks.js';
import { RecordedRun } from './recorded-run.js';

const { planted, missed } = await findPlantedLeaks();
print(`${planted.length - missed.length} of ${planted.length} planted leaks found`);
for (const name of missed) print(`  not found: ${name}`);

await using run = await RecordedRun.of(process.argv.slice(2));
if (!run.hasPassed) print(`The suite did not pass:\n${await run.output()}`);
const { signatures, scanned, characters, findings } = await run.scan();
print(`${signatures} signatures, ${(characters / 1e6).toFixed(1)} million characters scanned:`);
for (const [source, count] of Object.entries(scanned).sort()) print(`  ${source}: ${count}`);
const leaks = findings.filter((finding) => intentionOf(finding) === undefined);
print(`${leaks.length} findings`);
for (const { source, during, form, context } of leaks) {
  print(`  ${source} of ${during ?? 'the run'}, as ${form}: ${JSON.stringify(context)}`);
}
for (const why of new Set(findings.map(intentionOf))) if (why !== undefined) print(`a token was seen because ${why}`);
if (missed.length > 0 || leaks.length > 0 || !run.hasPassed) process.exitCode = 1;

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
