import type { AxiosInstance } from 'axios';
import { setupCache } from 'axios-cache-interceptor';
import axiosRetry from 'axios-retry';
import { withToken } from 'projected-token/axios';
import { attach, type RetryConfig } from 'retry-axios';
import type { Scene } from '../../scene.js';
import type { Subject } from '../../subject.js';
import { type AxiosOptions, axiosScenarios, axiosSubject, callAxios } from '../axios.js';

type Attach = (instance: AxiosInstance, scene: Scene) => unknown;

/** Libraries that put themselves onto an axios instance. */
const LIBRARIES: Readonly<Record<string, Attach>> = {
  'axios-retry': (instance, scene) =>
    // Both are called axios: one is typed for its ES module, the other for CommonJS.
    axiosRetry(instance as never, {
      retries: 2,
      retryDelay: () => 1,
      onRetry: (count, error) => scene.tell('axios-retry', { count, message: error.message }),
    }),
  'retry-axios': (instance, scene) => {
    const raxConfig: RetryConfig = {
      retry: 2,
      retryDelay: 1,
      backoffType: 'static',
      onRetryAttempt: async (error) => scene.tell('retry-axios', error.message),
    };
    Object.assign(instance.defaults, { raxConfig });
    attach(instance);
  },
  'axios-cache-interceptor': (instance) => setupCache(instance, { ttl: 60_000, interpretHeader: false }),
};

/** Each of them, attached before the instance is wrapped, and after it. */
export const axiosStacks: readonly Subject<AxiosOptions>[] = Object.entries(LIBRARIES).flatMap(([library, attachTo]) =>
  (['before', 'after'] as const).map((order) => ({
    name: `${library} attached ${order} wrapping`,
    scenarios: axiosScenarios,
    canSendAgain: axiosSubject.canSendAgain,
    hasOwnHeader: axiosSubject.hasOwnHeader!,
    exercise: (scenario, scene) =>
      callAxios(scenario, scene, (instance) => {
        if (order === 'before') attachTo(instance, scene);
        const client = scene.wrap(instance, withToken);
        if (order === 'after') attachTo(client, scene);
        return client;
      }),
  })),
);
