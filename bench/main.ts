// Measures what the library promises, each figure beside its floor or its peers in the same run:
//   npm run bench             prints the table
//   npm run bench -- --write  also writes docs/bench and the section of docs/comparison.md
import { fork, spawnSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { arch, cpus, type } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { FigureGroup } from './figure.js';
import { renderComparisonSection, renderMarkdown } from './render-markdown.js';
import { renderRatios } from './render-ratios.js';

const GROUPS = [
  'cached-token',
  'swap-to-fresh',
  'under-load',
  'wrapped-clients',
  'import-cost',
  'many-providers',
  'outage',
  'verify-token',
  'verify-flood',
];

const { values } = parseArgs({ options: { write: { type: 'boolean' }, only: { type: 'string' } } });
const repository = new URL('../', import.meta.url);

// What is imported, and its cost, is the package as it is published.
const build = spawnSync('npm', ['run', '--silent', 'build'], { cwd: repository, encoding: 'utf8' });
if (build.status !== 0) throw new Error(`The build failed:\n${build.stderr}`);

const groups: FigureGroup[] = [];
for (const name of values.only?.split(',') ?? GROUPS) {
  process.stderr.write(`${name} …\n`);
  groups.push(await run(name));
}
const machine = `Node ${process.version}, ${type()} ${arch()}, ${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown CPU'}`;
const markdown = renderMarkdown(groups, machine);
process.stdout.write(`${markdown}\n`);

if (values.write) {
  const directory = new URL('docs/bench/', repository);
  await mkdir(directory, { recursive: true });
  await writeFile(new URL('README.md', directory), `${markdown}\n`);
  await writeFile(new URL('ratios.svg', directory), renderRatios(groups));
  const page = new URL('docs/comparison.md', repository);
  const text = await readFile(page, 'utf8');
  const section = `<!-- bench:start -->\n${renderComparisonSection(groups, machine)}\n<!-- bench:end -->`;
  await writeFile(
    page,
    text.replace(/<!-- bench:start -->.*<!-- bench:end -->/s, () => section),
  );
}

function run(name: string): Promise<FigureGroup> {
  const program = fileURLToPath(new URL('run-figure.ts', import.meta.url));
  const child = fork(program, [name], { execArgv: [...process.execArgv, '--expose-gc'] });
  return new Promise((resolve, reject) => {
    child.once('message', (group) => resolve(group as FigureGroup));
    child.once('exit', (code) => reject(new Error(`${name} ended with exit code ${code} and no figures.`)));
  });
}
