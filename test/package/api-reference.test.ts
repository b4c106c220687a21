import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { REPOSITORY } from '../helpers/built-package.js';

const run = promisify(execFile);

async function pages(directory: string): Promise<Map<string, string>> {
  const names = (await readdir(directory, { recursive: true })).filter((name) => name.endsWith('.md')).sort();
  const texts = await Promise.all(names.map((name) => readFile(join(directory, name), 'utf8')));
  return new Map(names.map((name, index) => [name, texts[index]!]));
}

it('the API reference is what the doc comments say (npm run docs)', { timeout: 600_000 }, async () => {
  const cache = join(REPOSITORY, '.cache');
  await mkdir(cache, { recursive: true });
  const directory = await mkdtemp(join(cache, 'api-'));
  const typedoc = join(REPOSITORY, 'node_modules', 'typedoc', 'bin', 'typedoc');
  await run(process.execPath, [typedoc, '--out', directory, '--logLevel', 'Warn'], { cwd: REPOSITORY });
  const [kept, made] = await Promise.all([pages(join(REPOSITORY, 'docs', 'api')), pages(directory)]);
  expect([...kept.keys()]).toEqual([...made.keys()]);
  for (const [name, text] of made) expect(kept.get(name), name).toBe(text);
  await rm(directory, { recursive: true });
});
