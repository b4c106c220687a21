import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { architecturePage } from './architecture-page.js';
import { REPOSITORY } from './cruise-imports.js';

const { kept, drawn } = await architecturePage();

const folders = (parent: string) =>
  readdirSync(join(REPOSITORY, parent), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);

describe('docs/ARCHITECTURE.md', () => {
  it('shows the imports that there are (npm run architecture)', () => {
    expect(kept).toBe(drawn);
  });

  it('says what each folder of src/ knows', () => {
    expect(folders('src').filter((name) => !kept.includes(`\`${name}/\``))).toEqual([]);
  });

  it('says why a folder of test/ has no counterpart in src/', () => {
    const mirrored = folders('src');
    const others = folders('test').filter((name) => !mirrored.includes(name));
    expect(others.filter((name) => !kept.includes(`\`test/${name}/\``))).toEqual([]);
  });

  it('names files that are there', () => {
    const named = [...kept.matchAll(/`((?:src|test|examples|docs|\.ci)\/[\w./-]+)`/g)].map((match) => match[1]!);
    const present = new Set(
      ['src', 'test', 'examples', 'docs', '.ci'].flatMap((top) =>
        readdirSync(join(REPOSITORY, top), { recursive: true }).map((path) => `${top}/${path}`),
      ),
    );
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter((path) => !present.has(path.replace(/\/$/, '')))).toEqual([]);
  });
});
