import type { Dispatcher } from 'undici';
import type { Scene } from '../scene.js';
import type { UndiciOptions } from './undici-options.js';

type Controller = Dispatcher.DispatchController;

/** A handler that tells everything which it is told. */
export function toldHandler(
  { pauses, throwsIn }: UndiciOptions,
  scene: Scene,
): { handler: Dispatcher.DispatchHandler; ended: Promise<void> } {
  let end = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const tell = (name: string, controller: Controller, details: unknown) => {
    const { aborted, paused, reason, rawHeaders, rawTrailers } = controller;
    scene.tell(name, { details, aborted, paused, reason, rawHeaders, rawTrailers });
    if (name === throwsIn) throw new Error(`The program's ${name} throws.`);
  };
  return {
    ended,
    handler: {
      onRequestStart(controller, context) {
        scene.signal?.addEventListener('abort', () => controller.abort(scene.signal?.reason as Error));
        tell('onRequestStart', controller, context);
      },
      onRequestUpgrade(controller, statusCode, headers, socket) {
        socket.destroy();
        tell('onRequestUpgrade', controller, { statusCode, headers });
        end();
      },
      onResponseStart(controller, statusCode, headers, statusMessage) {
        if (pauses) {
          controller.pause();
          setTimeout(() => controller.resume(), 2);
        }
        tell('onResponseStart', controller, { statusCode, headers, statusMessage });
        scene.reached('at the response');
      },
      onResponseData(controller, chunk) {
        tell('onResponseData', controller, chunk);
        scene.reached('at the first bytes');
      },
      onResponseEnd(controller, trailers) {
        end();
        tell('onResponseEnd', controller, trailers);
      },
      onResponseError(controller, error) {
        end();
        scene.tell('onResponseError', { error, aborted: controller?.aborted, reason: controller?.reason });
      },
    },
  };
}
