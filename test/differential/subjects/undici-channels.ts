import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Scene } from '../scene.js';

const CHANNELS = [
  'undici:request:create',
  'undici:client:sendHeaders',
  'undici:request:bodySent',
  'undici:request:headers',
  'undici:request:trailers',
  'undici:request:error',
];

interface Message {
  readonly request: {
    readonly method: string;
    readonly path: string;
    readonly origin: string;
    readonly completed: boolean;
  };
  readonly error?: unknown;
}

/** Tells what the diagnostics channels of undici say: tracers listen to them. */
export function tellChannels(scene: Scene): void {
  for (const channel of CHANNELS) {
    const listener = (message: unknown) => {
      const { request, error } = message as Message;
      const { method, path, origin, completed } = request;
      scene.tell(channel, { method, path, origin: String(origin), completed, error });
    };
    subscribe(channel, listener);
    scene.onCleanUp(() => unsubscribe(channel, listener));
  }
}
