import { withToken } from 'projected-token/fetch';
import { isOneShot } from '../make-body.js';
import type { Subject } from '../subject.js';
import { callFetch, type FetchOptions, fetchScenarios } from './fetch-program.js';
import { usePlatformAgent } from './platform-dispatcher.js';

/** The global fetch. */
export const fetchSubject: Subject<FetchOptions> = {
  name: 'fetch',
  scenarios: fetchScenarios,
  // The body of a Request is kept while it is sent.
  canSendAgain: ({ body, options: { input } }) => input.startsWith('Request') || !isOneShot(body),
  async exercise(scenario, scene) {
    usePlatformAgent(scene);
    await callFetch(scene.wrap(globalThis.fetch, withToken), Request, scenario, scene);
  },
};
