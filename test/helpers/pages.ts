import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { REPOSITORY } from './built-package.js';

/** The README and the pages that are written by hand: text by path. */
export async function readPages(): Promise<Map<string, string>> {
  const names = (await readdir(join(REPOSITORY, 'docs'))).filter((name) => name.endsWith('.md')).sort();
  const paths = ['README.md', ...names.map((name) => `docs/${name}`)];
  return new Map(
    await Promise.all(paths.map(async (path) => [path, await readFile(join(REPOSITORY, path), 'utf8')] as const)),
  );
}

/** The code blocks of a language, in their order. */
export function codeBlocks(text: string, language: string): string[] {
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map((match) => match[1]!);
}

/** The TypeScript of a page that is a program of its own, by the number of its block; a block without an import goes on from the one before. */
export function programs(text: string): Map<number, string> {
  const blocks = codeBlocks(text, 'ts').map((code, index) => [index + 1, code] as const);
  return new Map(blocks.filter(([, code]) => code.includes('import ')));
}
