import { describe, expect, it } from 'vitest';
import { drawRooms, importsBetweenRooms, reduce } from './draw-rooms.js';

/** A room and what it imports, as lists. */
const listed = (imports: ReadonlyMap<string, ReadonlySet<string>>) =>
  Object.fromEntries([...imports].map(([from, known]) => [from, [...known]]));

const imports = (rooms: Record<string, string[]>) =>
  new Map(Object.entries(rooms).map(([from, known]) => [from, new Set(known)]));

describe('the imports between rooms', () => {
  it('are those of folders, and of the files beside them', () => {
    const module = (source: string, ...resolved: string[]) =>
      ({ source, dependencies: resolved.map((path) => ({ resolved: path })) }) as never;
    const found = importsBetweenRooms({
      modules: [
        module('src/index.ts', 'src/errors.ts', 'src/provider/a.ts'),
        module('src/errors.ts', 'src/errors/codes.ts'),
        module('src/errors/codes.ts'),
        module('src/provider/a.ts', 'src/provider/b.ts', 'src/errors.ts', 'node_modules/jose/index.js', 'fs'),
        module('src/testing/vault/a.ts', 'src/testing/b.ts', 'src/token-source.ts'),
        module('package.json'),
      ],
    });
    expect(listed(found)).toEqual({
      index: ['errors', 'provider'],
      errors: [],
      provider: ['errors'],
      testing: ['token-source'],
    });
  });
});

describe('reducing', () => {
  it('leaves out what follows from other imports, however far, and nothing else', () => {
    const reduced = reduce(imports({ a: ['b', 'c', 'd'], b: ['c'], c: ['d'], d: [], e: ['b', 'f'], f: [] }));
    expect(listed(reduced)).toEqual({ a: ['b'], b: ['c'], c: ['d'], d: [], e: ['b', 'f'], f: [] });
  });
});

describe('the picture', () => {
  it('frames rooms of a kind, and shows one of no kind by itself', () => {
    const picture = drawRooms(imports({ new: ['carry'], index: [], axios: ['fetch', 'carry'], fetch: [], carry: [] }));
    expect(picture.split('\n')).toEqual([
      'flowchart TD',
      '  carry',
      '  new',
      '  subgraph wrapped-clients [wrapped clients]',
      '    fetch',
      '    axios',
      '  end',
      '  subgraph core [core]',
      '    index[projected-token]',
      '  end',
      '  axios --> carry',
      '  axios --> fetch',
      '  new --> carry',
    ]);
  });

  it('gives one box to rooms of a kind with the same imports, unless others import them', () => {
    const picture = drawRooms(
      imports({
        fetch: ['carry'],
        axios: ['fetch'],
        undici: ['carry'],
        got: ['carry'],
        grpc: [],
        carry: [],
        cli: ['carry'],
      }),
    );
    expect(picture.split('\n')).toEqual([
      'flowchart TD',
      '  carry',
      '  cli',
      '  subgraph wrapped-clients [wrapped clients]',
      '    fetch',
      '    axios',
      '    undici["undici, got"]',
      '    grpc',
      '  end',
      '  axios --> fetch',
      '  cli --> carry',
      '  fetch --> carry',
      '  undici --> carry',
    ]);
  });
});
