import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadYaml } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { REPOSITORY } from '../helpers/built-package.js';
import { packageManifest } from '../helpers/installed-project.js';

const readme = await readFile(join(REPOSITORY, 'README.md'), 'utf8');

function blocks(language: string): string[] {
  return [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map((match) => match[1]!);
}

describe('the README', () => {
  let directory: string;

  beforeAll(async () => {
    const cache = join(REPOSITORY, '.cache');
    await mkdir(cache, { recursive: true });
    directory = await mkdtemp(join(cache, 'readme-'));
  });

  afterAll(() => rm(directory, { recursive: true }));

  it('shows code that compiles', { timeout: 120_000 }, async () => {
    const code = blocks('ts');
    expect(code.length).toBeGreaterThanOrEqual(4);
    await Promise.all(code.map((text, index) => writeFile(join(directory, `block-${index + 1}.ts`), text)));
    const configuration = {
      extends: '../../tsconfig.json',
      compilerOptions: {
        noUnusedLocals: false,
        paths: { 'projected-token': ['../../src/index.ts'], 'projected-token/*': ['../../src/*/index.ts'] },
      },
      include: ['*.ts'],
    };
    await writeFile(join(directory, 'tsconfig.json'), JSON.stringify(configuration));
    const tsc = join(REPOSITORY, 'node_modules', 'typescript', 'bin', 'tsc');
    const output = await new Promise((resolve) => {
      execFile(process.execPath, [tsc, '--project', directory], (_error, stdout) => resolve(stdout));
    });
    expect(output).toBe('');
  });

  it('has its first code and its two commands on the first screen', () => {
    const screen = readme.split('\n').slice(0, 25).join('\n');
    expect(screen).toContain('ProjectedTokenProvider.open(');
    expect(screen).toContain('npm ci && npm run demo\n');
    expect(screen).toContain('npm ci && npm test\n');
  });

  it('shows the pod manifest that is among the examples', async () => {
    const example = await readFile(join(REPOSITORY, 'examples', 'manifests', 'pod.yaml'), 'utf8');
    expect(loadYaml(blocks('yaml')[0]!)).toEqual(loadYaml(example));
  });

  it('names every error code', async () => {
    const source = await readFile(join(REPOSITORY, 'src', 'errors', 'codes.ts'), 'utf8');
    const codes = new Set(source.match(/\bERR_[A-Z_]+\b/g));
    expect(codes.size).toBeGreaterThan(20);
    expect([...codes].filter((code) => !readme.includes(`\`${code}\``))).toEqual([]);
  });

  it('names every event', async () => {
    const source = await readFile(join(REPOSITORY, 'src', 'provider', 'provider-events.ts'), 'utf8');
    const events = [...source.matchAll(/^ {2}(\w+): \(/gm)].map((match) => match[1]!);
    expect(events).toContain('rotated');
    expect(events.filter((event) => !readme.includes(`| \`${event}\` |`))).toEqual([]);
  });

  it('names every option of the provider', async () => {
    const source = await readFile(join(REPOSITORY, 'src', 'provider', 'provider-options.ts'), 'utf8');
    const declaration = /interface ProjectedTokenProviderOptions \{(.*?)^\}/ms.exec(source)![1]!;
    const options = [...declaration.matchAll(/^ {2}readonly (\w+)\?:/gm)].map((match) => match[1]!);
    expect(options).toContain('audience');
    expect(options.filter((option) => !readme.includes(`\`${option}\``))).toEqual([]);
  });

  it('names every subpath that can be imported', async () => {
    const { exports: exported } = await packageManifest();
    const subpaths = Object.keys(exported).filter((path) => !['.', './package.json'].includes(path));
    expect(subpaths.filter((path) => !readme.includes(`\`projected-token${path.slice(1)}\``))).toEqual([]);
  });

  it('links to files that are there', () => {
    const targets = [...readme.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map((match) => match[1]!);
    expect(targets.length).toBeGreaterThan(5);
    expect(targets.filter((target) => !existsSync(join(REPOSITORY, target)))).toEqual([]);
  });
});
