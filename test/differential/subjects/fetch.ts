import { withToken } from 'projected-token/fetch';
import { Agent } from 'undici';
import { isOneShot } from '../make-body.js';
import type { Scenario } from '../scenario.js';
import type { Scene } from '../scene.js';
import type { Subject } from '../subject.js';
import { callFetch, type FetchOptions, fetchScenarios } from './fetch-program.js';
import { makePlatformAgent, usePlatformAgent } from './platform-dispatcher.js';

/** The global fetch. */
export const fetchSubject: Subject<FetchOptions> = {
  name: 'fetch',
  scenarios: fetchScenarios,
  // The body of a Request is kept while it is sent.
  canSendAgain: ({ body, options: { input } }) => input.startsWith('Request') || !isOneShot(body),
  async exercise(scenario, scene) {
    usePlatformAgent(scene);
    await callFetch(scene.wrap(globalThis.fetch, withToken), Request, scenario, scene, dispatcherOf(scenario, scene));
  },
};

function dispatcherOf({ options: { dispatcher } }: Scenario<FetchOptions>, scene: Scene): unknown {
  if (dispatcher !== 'of undici') return dispatcher && makePlatformAgent(scene);
  const agent = new Agent(scene.connecting);
  scene.onCleanUp(() => agent.destroy());
  return agent;
}
