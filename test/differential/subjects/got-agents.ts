import { Agent } from 'node:http';
import { Agent as SecureAgent } from 'node:https';
import { createRequire } from 'node:module';
import type { Agents } from 'got';
import type { Scene } from '../scene.js';

interface Http2Wrapper {
  readonly Agent: new () => NonNullable<Agents['http2']> & { destroy(): void };
  /** Knows which servers speak HTTP/2. */
  readonly auto: { readonly protocolCache: { clear(): void } };
}

/** Agents of a run's own, so that neither connections nor what is known of servers come from an earlier run. */
export function gotAgents(keepAlive: boolean, scene: Scene): Agents {
  const http = new Agent({ keepAlive });
  const https = new SecureAgent({ keepAlive });
  scene.onCleanUp(() => http.destroy());
  scene.onCleanUp(() => https.destroy());
  const wrapper = http2Wrapper();
  if (wrapper === undefined) return { http, https };
  wrapper.auto.protocolCache.clear();
  const http2 = new wrapper.Agent();
  scene.onCleanUp(() => http2.destroy());
  return { http, https, http2 };
}

/** What got 14 and 15 speak HTTP/2 with; newer ones have their own. */
function http2Wrapper(): Http2Wrapper | undefined {
  try {
    return createRequire(import.meta.resolve('got'))('http2-wrapper') as Http2Wrapper;
  } catch {
    return undefined;
  }
}
