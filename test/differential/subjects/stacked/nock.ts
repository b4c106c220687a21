import { withToken as withTokenForAxios } from 'projected-token/axios';
import { withToken as withTokenForFetch } from 'projected-token/fetch';
import { isOneShot } from '../../make-body.js';
import type { Scenario } from '../../scenario.js';
import type { Scene } from '../../scene.js';
import type { Subject } from '../../subject.js';
import { type AxiosOptions, axiosScenarios, callAxios } from '../axios.js';
import { callFetch, type FetchOptions } from '../fetch-program.js';
import { usePlatformAgent } from '../platform-dispatcher.js';
import { interceptedScenarios } from './intercepted-scenarios.js';
import { bodyOf, Interception } from './interception.js';

/** nock in the place of the servers, under the global fetch. */
export const nockFetchSubject: Subject<FetchOptions> = {
  name: 'nock under fetch',
  scenarios: interceptedScenarios,
  canSendAgain: () => true,
  async exercise(scenario, scene) {
    usePlatformAgent(scene);
    await intercept(scene);
    await callFetch(scene.wrap(globalThis.fetch, withTokenForFetch), Request, scenario, scene);
  },
};

/** nock in the place of the servers, under axios' http adapter. */
export const nockAxiosSubject: Subject<AxiosOptions> = {
  name: 'nock under axios',
  scenarios: axiosScenarios.map(withoutConnections),
  canSendAgain: () => true,
  async exercise(scenario, scene) {
    await intercept(scene);
    await callAxios(scenario, scene, (instance) => scene.wrap(instance, withTokenForAxios));
  },
};

async function intercept(scene: Scene): Promise<void> {
  // It takes Node's requests over from the moment of its import.
  const { default: nock } = await import('nock');
  const interception = new Interception(scene);
  if (!nock.isActive()) nock.activate();
  for (const origin of Object.values(scene.origins)) {
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'FOO', 'TRACE']) {
      nock(origin)
        .persist()
        .intercept(/.*/, method)
        .reply(function (this: { readonly req: { readonly headers: object } }, uri: string, body: unknown) {
          const headers = Object.entries(this.req.headers) as [string, string][];
          const answer = interception.answer({ method, url: `${origin}${uri}`, headers, body });
          return [answer.status, bodyOf(answer) ?? '', answer.headers.flat()] as never;
        });
    }
  }
  scene.onCleanUp(() => {
    nock.cleanAll();
    nock.restore();
  });
}

function withoutConnections(scenario: Scenario<AxiosOptions>): Scenario<AxiosOptions> {
  const waits = scenario.abort?.moment === 'once the server has the request';
  const { timeout: _, ...members } = scenario.options.members;
  return {
    ...scenario,
    body: isOneShot(scenario.body) ? 'text' : scenario.body,
    abort: waits ? undefined : scenario.abort,
    answers: scenario.answers.map(({ fault: _fault, ...answer }) => answer),
    options: { ...scenario.options, adapter: 'http', members },
  };
}
