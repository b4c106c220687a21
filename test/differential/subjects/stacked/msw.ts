import { HttpResponse, http } from 'msw';
import { setupServer } from 'msw/node';
import { withToken } from 'projected-token/fetch';
import type { Subject } from '../../subject.js';
import { callFetch, type FetchOptions } from '../fetch-program.js';
import { usePlatformAgent } from '../platform-dispatcher.js';
import { interceptedScenarios } from './intercepted-scenarios.js';
import { bodyOf, Interception } from './interception.js';

/** In the place of a redirect. */
const END = { status: 200, location: undefined };

/** msw puts itself into the place of the global fetch, which then has no dispatcher: the program wraps that. */
export const mswSubject: Subject<FetchOptions> = {
  name: 'msw under fetch',
  // msw keeps cookies from one run to the next, and follows redirects that have no end until the memory is full, also those to nowhere.
  scenarios: interceptedScenarios.map((scenario) => ({
    ...scenario,
    answers: scenario.answers.map((answer, index) => ({
      ...answer,
      ...(index === scenario.answers.length - 1 && answer.status >= 300 && answer.status < 400 && END),
      headers: answer.headers.filter(([name]) => name !== 'Set-Cookie'),
    })),
  })),
  canSendAgain: () => true,
  async exercise(scenario, scene) {
    usePlatformAgent(scene);
    const interception = new Interception(scene);
    const server = setupServer(
      http.all('*', async ({ request }) => {
        const { method, url, headers } = request;
        const answer = interception.answer({ method, url, headers, body: await request.text() });
        if (answer.fault !== undefined) return HttpResponse.error();
        return new HttpResponse(bodyOf(answer), {
          status: answer.status,
          headers: answer.headers.map((entry) => [...entry]) as [string, string][],
        });
      }),
    );
    server.listen({ onUnhandledRequest: 'bypass' });
    scene.onCleanUp(() => server.close());
    await callFetch(scene.wrap(globalThis.fetch, withToken), Request, scenario, scene);
  },
};
