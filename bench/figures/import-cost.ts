import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type FigureGroup, median } from '../figure.js';

const STARTS = 51;
/** Importing the core took this share of importing jose when it was first measured (25.1 of 35.4 ms); it is to get no dearer. */
const SHARE_BEFORE = 0.71;

/** What importing costs a process that starts; of the built package. */
export async function measure(): Promise<FigureGroup> {
  const repository = new URL('../../', import.meta.url);
  const esModule = JSON.stringify(new URL('dist/index.js', repository).href);
  const commonJs = JSON.stringify(fileURLToPath(new URL('dist/cjs/index.js', repository)));
  const programs: Record<string, string> = {
    'bare node process (floor)': '',
    'projected-token': `import ${esModule}`,
    'projected-token, by require': `import { createRequire } from 'node:module'; createRequire(${esModule})(${commonJs})`,
    "jose's decoder": "import 'jose/jwt/decode'",
    'jose, whole': "import 'jose'",
    chokidar: "import 'chokidar'",
  };
  const times = new Map(Object.keys(programs).map((name) => [name, [] as number[]]));
  for (let start = 0; start < STARTS; start++) {
    for (const [name, source] of Object.entries(programs)) {
      const beganAtMs = performance.now();
      const { status } = spawnSync(process.execPath, ['--input-type=module', '--eval', source], { cwd: repository });
      times.get(name)!.push(performance.now() - beganAtMs);
      if (status !== 0) throw new Error(`${name} could not be imported.`);
    }
  }
  const floor = median(times.get('bare node process (floor)')!);
  const jose = median(times.get('jose, whole')!) - floor;
  return {
    title: 'Importing',
    method: `Milliseconds over a bare process, median of ${STARTS} starts in turns; the process itself takes ${floor.toFixed(0)} ms.`,
    figures: [...times].slice(1).map(([name, values]) => {
      const value = median(values) - floor;
      const isOurs = name.startsWith('projected-token');
      return {
        name,
        value,
        unit: 'ms',
        ratio: median(values) / floor,
        ...(isOurs && {
          aim: { text: `≤ ${SHARE_BEFORE} × jose, as before`, isMet: value <= SHARE_BEFORE * jose },
        }),
      };
    }),
  };
}
