import type { Scene } from '../scene.js';

/** Where every copy of undici, and Node's own, keeps the dispatcher of fetch. */
const GLOBAL_DISPATCHER = Symbol.for('undici.globalDispatcher.1');

interface PlatformDispatcher {
  destroy(): Promise<void>;
}
type PlatformAgent = new () => PlatformDispatcher;
const globals = globalThis as unknown as Record<symbol, PlatformDispatcher>;

// Node sets its own dispatcher when it loads its fetch, unless a copy of undici has set one: this module comes first in a program.
void globalThis.Response;
const Agent = globals[GLOBAL_DISPATCHER]?.constructor as PlatformAgent;

/** Gives fetch an agent of Node's own for this run, so that no connection of an earlier run is used. */
export function usePlatformAgent(scene: Scene): void {
  const agent = new Agent();
  const before = globals[GLOBAL_DISPATCHER]!;
  globals[GLOBAL_DISPATCHER] = agent;
  scene.onCleanUp(() => {
    globals[GLOBAL_DISPATCHER] = before;
    return agent.destroy();
  });
}
