import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cruiseImports, REPOSITORY } from './cruise-imports.js';
import { drawRooms, importsBetweenRooms, reduce } from './draw-rooms.js';

/** Where the page is that shows the rooms of src/. */
export const ARCHITECTURE_PAGE = join(REPOSITORY, 'docs', 'ARCHITECTURE.md');

const PICTURE = /(?<=^<!-- npm run architecture -->\n).*?(?=^<!-- end -->$)/ms;

/** Gives the page as it is, and as it should be: with the picture of the imports that there are now. */
export async function architecturePage(): Promise<{ kept: string; drawn: string }> {
  const kept = await readFile(ARCHITECTURE_PAGE, 'utf8');
  if (!PICTURE.test(kept)) throw new Error(`${ARCHITECTURE_PAGE} has no place for the picture.`);
  const picture = drawRooms(reduce(importsBetweenRooms(await cruiseImports())));
  return { kept, drawn: kept.replace(PICTURE, () => `\n\`\`\`mermaid\n${picture}\n\`\`\`\n\n`) };
}
