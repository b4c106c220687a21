// Says which packages that users install beside this one have a newer major version in the registry than any that is taken in,
// one a line; ends with exit code 1 when there is one. Peers are judged by their range; what the differential and contract tests
// run with, by the version of the lock file:
//   node .ci/newer-majors.mjs
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Clients that are no peers: any version works that keeps to what they promise, and the tests should know the newest. */
const TESTED = { undici: [7, 8], ky: [1, 2] };

const { peerDependencies } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const majorsOf = (range) => range.split('||').map((part) => Number(/\d+/.exec(part)?.[0]));
const known = {
  ...Object.fromEntries(Object.entries(peerDependencies).map(([name, range]) => [name, majorsOf(range)])),
  ...TESTED,
};

let newer = 0;
for (const [name, majors] of Object.entries(known)) {
  const latest = JSON.parse(execFileSync('npm', ['view', '--json', name, 'dist-tags.latest'], { encoding: 'utf8' }));
  if (Number(latest.split('.')[0]) <= Math.max(...majors)) continue;
  console.log(`${name} ${latest} is newer than ${majors.map((major) => `${major}.x`).join(', ')}`);
  newer++;
}
process.exitCode = newer > 0 ? 1 : 0;
