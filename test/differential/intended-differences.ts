import type { Difference } from './differences.js';
import type { IntendedDifference } from './intended/intended-difference.js';
import { OF_AXIOS_AND_GOT } from './intended/of-axios-and-got.js';
import { OF_FETCH } from './intended/of-fetch.js';
import { OF_SEVERAL } from './intended/of-several.js';
import { OF_UNDICI } from './intended/of-undici.js';
import { OF_UNDICI_AND_FETCH } from './intended/of-undici-and-fetch.js';
import type { Scenario } from './scenario.js';

/** All of them. */
export const INTENDED_DIFFERENCES: readonly IntendedDifference[] = [
  ...OF_SEVERAL,
  ...OF_UNDICI_AND_FETCH,
  ...OF_FETCH,
  ...OF_UNDICI,
  ...OF_AXIOS_AND_GOT,
];

/** Which of these differences it is, if it is one. */
export function differenceIn(
  list: readonly IntendedDifference[],
  client: string,
  difference: Difference,
  scenario: Scenario,
): IntendedDifference | undefined {
  return list.find((intended) => intended.covers(difference, scenario, client));
}
