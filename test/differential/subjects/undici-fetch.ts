import { withToken } from 'projected-token/undici';
import { Agent, fetch, Request } from 'undici';
import type { Subject } from '../subject.js';
import { callFetch, type FetchOptions, fetchScenarios } from './fetch-program.js';

/** The fetch of the package undici with a dispatcher that carries the token. */
export const undiciFetchSubject: Subject<FetchOptions> = {
  name: 'undici fetch',
  // A hop is a request of its own, with a stream as its body: what was sent before is not known at a later one.
  forgetsHops: true,
  scenarios: fetchScenarios.map((scenario) =>
    scenario.refusedAt !== undefined && scenario.refusedAt > 0 && scenario.body !== 'none'
      ? { ...scenario, refusedAt: undefined }
      : scenario,
  ),
  canSendAgain: ({ body }) => body === 'none' || body === 'null',
  async exercise(scenario, scene) {
    const agent = new Agent(scene.connecting);
    scene.onCleanUp(() => agent.destroy());
    const dispatcher = scene.wrap(agent, withToken);
    const send = (input: never, init?: object) => fetch(input, { ...init, dispatcher });
    await callFetch(send as unknown as typeof globalThis.fetch, Request as never, scenario, scene);
  },
};
