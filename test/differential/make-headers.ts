import type { HeaderChoice } from './scenario.js';

/** Headers in the form that a scenario says. */
export function makeHeaders(choice: HeaderChoice | undefined): unknown {
  if (choice === undefined) return undefined;
  const { form, entries } = choice;
  switch (form) {
    case 'object':
      return Object.fromEntries(entries);
    case 'Headers':
      return new Headers(entries.map(([name, value]) => [name, String(value)] as [string, string]));
    case 'pairs':
      return entries.map((entry) => [...entry]);
    case 'list':
      return entries.flat();
    case 'iterable':
      return iterate(entries);
    case 'Map':
      return new Map(entries);
    case 'odd list':
      return [...entries.flat(), 'x-odd'];
    case 'text':
      return 'x-text: 1';
    case 'numbers':
      return 5;
  }
}

function* iterate(entries: HeaderChoice['entries']): Generator<unknown> {
  for (const entry of entries) yield [...entry];
}
