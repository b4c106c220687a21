// One group of figures in a process of its own, so that none warms up or burdens another; main.ts starts it.
import type { FigureGroup } from './figure.js';

const { measure }: { measure(): Promise<FigureGroup> } = await import(`./figures/${process.argv[2]}.ts`);
// Nothing of the library keeps a process alive.
const alive = setInterval(() => {}, 60_000);
process.send!(await measure());
clearInterval(alive);
process.disconnect();
