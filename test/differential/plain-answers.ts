import type { Origins, Scenario } from './scenario.js';
import type { PlainAnswer } from './server/write-answer.js';

/** The answers of a scenario with `Location` written out. `{series}` in it is the first part of the path that was asked for. */
export function plainAnswers({ answers }: Scenario, origins: Origins): PlainAnswer[] {
  return answers.map(({ location, ...answer }, hop) => {
    if (location === undefined) return answer;
    const target =
      'text' in location ? location.text : `${origins[location.origin]}/{series}/h${hop + 1}${location.suffix}`;
    return { ...answer, headers: [...answer.headers, ['Location', target] as const] };
  });
}
