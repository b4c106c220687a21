import { type Mock, vi } from 'vitest';
import { type DirectoryWatchSubscription, subscribeToDirectory } from '../../src/volume/directory-watch.js';
import type { ScriptedDirectory } from './scripted-directory.js';

/** A subscription to a directory, with what its subscriber was told. */
export interface RecordedSubscription {
  readonly watch: DirectoryWatchSubscription;
  readonly onChange: Mock;
  readonly onState: Mock;
}

/** Subscribes to a directory of a scripted file system. The watch may not be armed yet. */
export function subscribe(fs: ScriptedDirectory, directory = '/mnt/tokens'): RecordedSubscription {
  const onChange = vi.fn();
  // Either means: read again.
  const subscriber = { onArmed: () => onChange(), onChange, onState: vi.fn() };
  return { ...subscriber, watch: subscribeToDirectory(fs, directory, subscriber) };
}

/** Subscribes to a directory, and resolves once its first state is known. */
export async function started(fs: ScriptedDirectory): Promise<RecordedSubscription> {
  const subscription = subscribe(fs);
  await subscription.watch.started;
  return subscription;
}
