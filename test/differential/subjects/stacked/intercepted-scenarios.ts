import type fc from 'fast-check';
import { isOneShot } from '../../make-body.js';
import type { Scenario } from '../../scenario.js';
import { type FetchOptions, fetchScenarios } from '../fetch-program.js';

/** What can be asked of a library that stands in for a server: no connections, no bytes, nothing that waits for them. */
export const interceptedScenarios: fc.Arbitrary<Scenario<FetchOptions>> = fetchScenarios.map((scenario) => {
  const waits =
    scenario.abort?.moment === 'once the server has the request' || scenario.options.timeLimitMs !== undefined;
  return {
    ...scenario,
    body: isOneShot(scenario.body) ? 'text' : scenario.body,
    abort: waits ? undefined : scenario.abort,
    answers: scenario.answers.map(({ fault, ...answer }) =>
      fault === undefined || fault.includes('silence')
        ? { ...answer, status: answer.status < 200 || answer.status > 599 ? 200 : answer.status }
        : { ...answer, fault },
    ),
    options: { ...scenario.options, timeLimitMs: undefined },
  };
});
