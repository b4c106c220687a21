import { type Finding, RecordedRun } from './recorded-run.js';

/** Where leak.ts leaks. */
export const PLACES = [
  'stdout',
  'stderr',
  'console',
  'warning',
  'a child with an environment of its own',
  'an error',
  'an event',
  'diagnostics',
  'a metric',
] as const;

/** In which form. */
export const FORMS = ['cut from the token', 'base64', 'base64url', 'hex', 'raw'] as const;

/** Lets leak.ts leak; resolves with the names of the leaks, and of those that a scan did not find. */
export async function findPlantedLeaks(): Promise<{ planted: string[]; missed: string[] }> {
  await using run = await RecordedRun.of([], { PROJECTED_TOKEN_LEAK: 'planted' });
  if (!run.hasPassed) throw new Error(`The tests that leak did not run:\n${await run.output()}`);
  const { findings } = await run.scan();
  const planted = PLACES.flatMap((place) => FORMS.map((form) => `${place}, ${form}`));
  const isFound = (name: string) => findings.some(({ context }: Finding) => context.includes(`${name}: █`));
  return { planted, missed: planted.filter((name) => !isFound(name)) };
}
