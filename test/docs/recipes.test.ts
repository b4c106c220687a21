import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { REPOSITORY } from '../helpers/built-package.js';

const sections = ['recipes', 'frameworks'].flatMap((page) =>
  readFileSync(join(REPOSITORY, 'docs', `${page}.md`), 'utf8')
    .split(/^## /m)
    .slice(1),
);
const quoting = sections
  .map((text) => ({
    title: text.split('\n')[0]!,
    blocks: [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, block]) => block!),
    example: /Whole program: \[.*?\]\(\.\.\/(examples\/.*?)\)/.exec(text)?.[1],
  }))
  .filter(({ blocks }) => blocks.length > 0);

describe('the recipes and frameworks', () => {
  it('are there', () => {
    expect(quoting.length).toBe(8);
  });

  it.each(quoting)('of $title show what stands in the example', ({ blocks, example }) => {
    const program = readFileSync(join(REPOSITORY, example!), 'utf8');
    for (const block of blocks) expect(program).toContain(block);
  });
});
