import { setTimeout as pause } from 'node:timers/promises';

/** Resolves when the condition holds, or so much time has passed. */
export async function waitUntil(holds: () => boolean, longestMs: number): Promise<void> {
  const deadlineMs = Date.now() + longestMs;
  while (!holds() && Date.now() < deadlineMs) await pause(50);
}
