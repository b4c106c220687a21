import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { loadYaml } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { headingAnchor } from '../../docs/.vitepress/heading-anchor.js';
import { REPOSITORY } from '../helpers/built-package.js';
import { packageManifest } from '../helpers/installed-project.js';
import { codeBlocks, programs, readPages } from '../helpers/pages.js';

const pages = await readPages();
const readme = pages.get('README.md')!;
const page = (name: string) => pages.get(`docs/${name}.md`)!;

describe('README and pages', () => {
  let directory: string;

  beforeAll(async () => {
    const cache = join(REPOSITORY, '.cache');
    await mkdir(cache, { recursive: true });
    directory = await mkdtemp(join(cache, 'readme-'));
  });

  afterAll(() => rm(directory, { recursive: true }));

  it('show code that compiles', { timeout: 120_000 }, async () => {
    let count = 0;
    for (const [path, text] of pages) {
      for (const [number, code] of programs(text)) {
        await writeFile(join(directory, `${path.replace(/\W/g, '-')}-${number}.ts`), code);
        count++;
      }
    }
    expect(count).toBeGreaterThanOrEqual(15);
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

  it('begin with a Vault client, and the two commands on the second screen', () => {
    const lines = readme.split('\n');
    expect(lines.slice(0, 25).join('\n')).toContain('VaultTokenProvider.open(');
    const screens = lines.slice(0, 40).join('\n');
    expect(screens).toContain('npm ci && npm run demo\n');
    expect(screens).toContain('npm ci && npm test\n');
  });

  it('have a README that is read in a few minutes', () => {
    expect(readme.split('\n').length).toBeLessThanOrEqual(150);
  });

  it('show the volume of the pod manifest that is among the examples', async () => {
    const example = loadYaml(await readFile(join(REPOSITORY, 'examples', 'manifests', 'pod.yaml'), 'utf8')) as {
      spec: { volumes: unknown };
    };
    expect((loadYaml(codeBlocks(readme, 'yaml')[0]!) as { volumes: unknown }).volumes).toEqual(example.spec.volumes);
  });

  // Each runs in its test runner: the suite, test/testing/node-test and `.ci/compatibility jest-30`.
  it.each([
    ['ts', 'expired-token.vitest.test.ts'],
    ['js', 'expired-token.jest.cjs'],
    ['ts', 'expired-token.node.ts'],
  ])('show the test in %s that is %s among the examples', async (language, file) => {
    const example = await readFile(join(REPOSITORY, 'examples', 'testing', file), 'utf8');
    expect(codeBlocks(page('testing'), language)).toContain(example);
  });

  it('have a section for every error code', async () => {
    const source = await readFile(join(REPOSITORY, 'src', 'errors', 'codes.ts'), 'utf8');
    const codes = new Set(source.match(/\bERR_[A-Z_]+\b/g));
    expect(codes.size).toBeGreaterThan(20);
    expect([...codes].filter((code) => !page('troubleshooting').includes(`\n### \`${code}\`\n`))).toEqual([]);
  });

  it('name every event', async () => {
    const source = await readFile(join(REPOSITORY, 'src', 'provider', 'provider-events.ts'), 'utf8');
    const events = [...source.matchAll(/^ {2}(\w+): \(/gm)].map((match) => match[1]!);
    expect(events).toContain('rotated');
    expect(events.filter((event) => !page('provider').includes(`| \`${event}\` |`))).toEqual([]);
  });

  it('name every option of the provider', async () => {
    const source = await readFile(join(REPOSITORY, 'src', 'provider', 'provider-options.ts'), 'utf8');
    const declaration = /interface ProjectedTokenProviderOptions \{(.*?)^\}/ms.exec(source)![1]!;
    const options = [...declaration.matchAll(/^ {2}readonly (\w+)\?:/gm)].map((match) => match[1]!);
    expect(options).toContain('audience');
    expect(options.filter((option) => !page('provider').includes(`\`${option}\``))).toEqual([]);
  });

  it('name every subpath that can be imported', async () => {
    const { exports: exported } = await packageManifest();
    const subpaths = Object.keys(exported).filter((path) => !['.', './package.json'].includes(path));
    expect(subpaths.filter((path) => !readme.includes(`\`projected-token${path.slice(1)}\``))).toEqual([]);
  });

  it('link to files and sections that are there', () => {
    for (const [path, text] of pages) {
      for (const [, file, anchor] of text.matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)/g)) {
        const target = file === '' ? path : join(dirname(path), file!);
        expect(existsSync(join(REPOSITORY, target)), `${path} links to ${target}`).toBe(true);
        if (anchor !== undefined && pages.has(target)) {
          expect(anchorsOf(pages.get(target)!), `${path} links to ${target}#${anchor}`).toContain(anchor);
        }
      }
    }
  });
});

function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => headingAnchor(heading!));
}
