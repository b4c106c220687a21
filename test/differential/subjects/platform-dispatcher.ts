import type { Scene } from '../scene.js';

interface PlatformDispatcher {
  destroy(): Promise<void>;
}
type PlatformAgent = new (given?: PlatformDispatcher | Scene['connecting']) => PlatformDispatcher;
const globals = globalThis as unknown as Record<symbol, PlatformDispatcher | undefined>;

/** Where every copy of undici 7 and earlier, and Node's own, keeps the dispatcher of fetch. */
const GLOBAL_DISPATCHER = Symbol.for('undici.globalDispatcher.1');
/** Where undici 8 does, which is in Node 26. At the place above is then one that hands on to it. */
const NEWER_GLOBAL_DISPATCHER = Symbol.for('undici.globalDispatcher.2');

// Node sets its own dispatcher when it loads its fetch, unless a copy of undici has set one: this module comes first in a program.
void globalThis.Response;
const Outer = globals[GLOBAL_DISPATCHER]?.constructor as PlatformAgent;
// A copy of undici may have set one there on any line of Node; only where the other one hands on to it does Node's fetch use it.
const Newer =
  Outer?.name === 'Dispatcher1Wrapper'
    ? (globals[NEWER_GLOBAL_DISPATCHER]?.constructor as PlatformAgent | undefined)
    : undefined;

/** Makes an agent of the undici that is in Node. */
export function makePlatformAgent(scene: Scene, connecting = scene.connecting): PlatformDispatcher {
  const agent = new (Newer ?? Outer)(connecting);
  scene.onCleanUp(() => agent.destroy());
  return agent;
}

/** Gives fetch an agent of Node's own for this run, so that no connection of an earlier run is used. */
export function usePlatformAgent(scene: Scene): void {
  const agent = makePlatformAgent(scene);
  const before = [GLOBAL_DISPATCHER, NEWER_GLOBAL_DISPATCHER].map((key) => [key, globals[key]] as const);
  globals[GLOBAL_DISPATCHER] = Newer === undefined ? agent : new Outer(agent);
  if (Newer !== undefined) globals[NEWER_GLOBAL_DISPATCHER] = agent;
  scene.onCleanUp(() => {
    for (const [key, dispatcher] of before) if (dispatcher !== undefined) globals[key] = dispatcher;
  });
}
