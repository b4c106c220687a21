import type { ICruiseResult } from 'dependency-cruiser';

/** Rooms drawn in one frame, from top to bottom. A room that is in none is drawn by itself. */
const FRAMES: Readonly<Record<string, readonly string[]>> = {
  'wrapped clients': ['fetch', 'axios', 'undici', 'got', 'grpc'],
  exchanges: ['vault', 'oauth', 'kubernetes', 'aws', 'google', 'azure'],
  core: ['index', 'provider', 'volume', 'token'],
  'narrow waist': ['token-source', 'errors'],
};

/** Rooms of src/, each with the rooms that it imports. */
export type Imports = ReadonlyMap<string, ReadonlySet<string>>;

/** Reads the imports between the rooms of src/, types included. A room is a folder of src/, or a file beside the folders. */
export function importsBetweenRooms({ modules }: Pick<ICruiseResult, 'modules'>): Imports {
  const imports = new Map<string, Set<string>>();
  for (const { source, dependencies } of modules) {
    const from = roomOf(source);
    if (from === undefined) continue;
    const known = imports.get(from) ?? new Set();
    imports.set(from, known);
    for (const { resolved } of dependencies) {
      const to = roomOf(resolved);
      if (to !== undefined && to !== from) known.add(to);
    }
  }
  return imports;
}

function roomOf(path: string): string | undefined {
  // The file errors.ts gives out what is in the folder errors/: one room.
  return /^src\/([^/]+?)(?:\.ts)?(?:\/|$)/.exec(path)?.[1];
}

/** Leaves out each import of a room that another of its imports reaches as well. The imports must not circle. */
export function reduce(imports: Imports): Imports {
  const reaches = (from: string, to: string): boolean =>
    from === to || [...(imports.get(from) ?? [])].some((next) => reaches(next, to));
  const isNeeded = (from: string, to: string) =>
    ![...imports.get(from)!].some((other) => other !== to && reaches(other, to));
  return new Map(
    [...imports].map(([from, known]) => [from, new Set([...known].filter((to) => isNeeded(from, to)))] as const),
  );
}

/** Draws rooms and their imports as a Mermaid flowchart. The same imports always give the same text. */
export function drawRooms(imports: Imports): string {
  const boxes = Object.entries(FRAMES).map(
    ([frame, members]) =>
      [
        frame,
        boxesOf(
          members.filter((room) => imports.has(room)),
          imports,
        ),
      ] as const,
  );
  const framed = new Set(boxes.flatMap(([, inFrame]) => inFrame.flat()));
  const unframed = [...imports.keys()].filter((room) => !framed.has(room)).sort();
  const lines = ['flowchart TD', ...unframed.map((room) => `  ${room}`)];
  for (const [frame, inFrame] of boxes) {
    if (inFrame.length === 0) continue;
    lines.push(`  subgraph ${frame.replaceAll(' ', '-')} [${frame}]`);
    lines.push(...inFrame.map((rooms) => `    ${boxWithText(rooms)}`), '  end');
  }
  const first = [...unframed, ...boxes.flatMap(([, inFrame]) => inFrame.map(([room]) => room!))].sort();
  for (const from of first) for (const to of [...imports.get(from)!].sort()) lines.push(`  ${from} --> ${to}`);
  return lines.join('\n');
}

/** Rooms with the same imports, which no other room imports, share a box: the one of the first of them. */
function boxesOf(rooms: readonly string[], imports: Imports): string[][] {
  const imported = new Set([...imports.values()].flatMap((known) => [...known]));
  const boxes = new Map<string, string[]>();
  for (const room of rooms) {
    const key = imported.has(room) ? room : `importing ${[...imports.get(room)!].sort()}`;
    boxes.set(key, [...(boxes.get(key) ?? []), room]);
  }
  return [...boxes.values()];
}

function boxWithText(rooms: readonly string[]): string {
  if (rooms[0] === 'index') return 'index[projected-token]';
  return rooms.length === 1 ? rooms[0]! : `${rooms[0]}["${rooms.join(', ')}"]`;
}
