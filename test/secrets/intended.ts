import type { Finding } from './recorded-run.js';

interface Intention {
  readonly source: string;
  readonly during: RegExp;
  readonly why: string;
}

/** Where a token is to be seen. Everywhere else it is a leak. */
const INTENTIONS: readonly Intention[] = [
  { source: 'stdout', during: / --show-token/, why: 'the command line was asked to show the token' },
  {
    source: 'stdout',
    during: /^-e process\.stdout\.write\(process\.env\.CREDENTIAL\)/,
    why: 'a credential plugin of kubectl, played by a test, gives its token on stdout',
  },
  {
    source: 'error',
    during: /^redactSubjectToken > does not stand in the way of the retries of the library$/,
    why: 'gaxios drops the error of an attempt that it repeats; that of the last is redacted before anyone gets it',
  },
];

/** Why a finding is none; undefined when it is one. */
export function intentionOf({ source, during = '' }: Finding): string | undefined {
  return INTENTIONS.find((intention) => intention.source === source && intention.during.test(during))?.why;
}
