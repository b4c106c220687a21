import type { ProjectedTokenEvents, ProjectedTokenProvider } from 'projected-token';

type Payload<Name extends keyof ProjectedTokenEvents> = Parameters<ProjectedTokenEvents[Name]>[0];

/** Resolves with the payload of the next event of this name. */
export function nextEvent<Name extends keyof ProjectedTokenEvents>(
  provider: ProjectedTokenProvider,
  name: Name,
): Promise<Payload<Name>> {
  return new Promise((resolve) => {
    provider.once(name, ((payload: Payload<Name>) => resolve(payload)) as never);
  });
}

/** Resolves when the provider has this token in use; only its events are waited for, nothing is asked. */
export function inUse(provider: ProjectedTokenProvider, token: string): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (provider.current?.value !== token) return;
      provider.off('rotated', look);
      provider.off('recovered', look);
      resolve();
    };
    provider.on('rotated', look);
    provider.on('recovered', look);
    look();
  });
}

/** Names of all events, in the order in which they were told. */
export function recordEvents(provider: ProjectedTokenProvider): string[] {
  const told: string[] = [];
  const names: (keyof ProjectedTokenEvents)[] = [
    'rotated',
    'rejected',
    'overdue',
    'expired',
    'recovered',
    'degraded',
    'restored',
    'error',
    'closed',
  ];
  for (const name of names) provider.on(name, (() => told.push(name)) as never);
  return told;
}
