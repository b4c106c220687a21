// Prints each peer dependency at the lowest or the highest version that its range allows, as arguments of `npm install`:
//   node .ci/peer-versions.mjs lowest
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const end = process.argv[2];
if (end !== 'lowest' && end !== 'highest') throw new Error('Say "lowest" or "highest".');
const { peerDependencies } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

for (const [name, range] of Object.entries(peerDependencies)) {
  const answer = execFileSync('npm', ['view', '--json', `${name}@${range}`, 'version'], { encoding: 'utf8' });
  // One version is no list.
  const versions = [JSON.parse(answer)].flat().sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  console.log(`${name}@${end === 'lowest' ? versions[0] : versions.at(-1)}`);
}
