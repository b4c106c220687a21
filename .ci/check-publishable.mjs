// Runs before `npm publish`: fails while the package cannot tell its users where it comes from.
import { readFile } from 'node:fs/promises';

const { repository, bugs, homepage, version } = JSON.parse(await readFile('package.json', 'utf8'));
const missing = Object.entries({ repository, bugs, homepage })
  .filter(([, value]) => value === undefined)
  .map(([name]) => name);
const changelog = await readFile('CHANGELOG.md', 'utf8');
const problems = [
  ...missing.map(
    (name) => `package.json has no "${name}". Set it: npm shows it, and provenance is checked against it.`,
  ),
  ...(new RegExp(`^## ${version.replaceAll('.', '\\.')}, \\d{4}-\\d{2}-\\d{2}$`, 'm').test(changelog)
    ? []
    : [`CHANGELOG.md has no section "## ${version}, <date>".`]),
];
for (const problem of problems) console.error(`Not publishable: ${problem}`);
process.exitCode = problems.length === 0 ? 0 : 1;
