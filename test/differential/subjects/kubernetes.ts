import {
  ApiException,
  CoreV1Api,
  CustomObjectsApi,
  KubeConfig,
  Observable,
  PatchStrategy,
  setHeaderOptions,
  Watch,
} from '@kubernetes/client-node';
import fc from 'fast-check';
import { withToken } from 'projected-token/kubernetes';
import { oneIn, scenariosOf } from '../arbitraries.js';
import { ABORTS_BEFORE_ANSWER, type Scenario } from '../scenario.js';
import type { Scene } from '../scene.js';
import type { Subject } from '../subject.js';

/** How a program uses the client. */
interface KubernetesOptions {
  readonly call: 'list' | 'get' | 'create' | 'patch' | 'delete' | 'custom' | 'watch';
  /** A middleware of the program tells what goes out and comes in. */
  readonly tells: boolean;
  readonly timeLimitMs: number | undefined;
}

type Call = (kubeConfig: KubeConfig, options: object, scene: Scene) => Promise<unknown>;

const NAMED = { namespace: 'shop', name: 'settings' };
const BODY = { metadata: { name: 'settings', labels: { a: 'caf\u00e9' } }, data: { key: 'value' } };

const CALLS: Readonly<Record<KubernetesOptions['call'], Call>> = {
  list: (kubeConfig, options) =>
    kubeConfig
      .makeApiClient(CoreV1Api)
      .listNamespacedPod({ namespace: 'shop', limit: 5, labelSelector: 'a=b' }, options),
  get: (kubeConfig, options) => kubeConfig.makeApiClient(CoreV1Api).readNamespacedConfigMap(NAMED, options),
  create: (kubeConfig, options) =>
    kubeConfig.makeApiClient(CoreV1Api).createNamespacedConfigMap({ namespace: 'shop', body: BODY }, options),
  patch: (kubeConfig, options) =>
    kubeConfig
      .makeApiClient(CoreV1Api)
      .patchNamespacedConfigMap(
        { ...NAMED, body: [{ op: 'add', path: '/data/key', value: '1' }] },
        setHeaderOptions('Content-Type', PatchStrategy.JsonPatch, options as never),
      ),
  delete: (kubeConfig, options) =>
    kubeConfig.makeApiClient(CoreV1Api).deleteNamespacedConfigMap({ ...NAMED, gracePeriodSeconds: 0 }, options),
  custom: (kubeConfig, options) =>
    kubeConfig
      .makeApiClient(CustomObjectsApi)
      .listNamespacedCustomObject({ group: 'g', version: 'v1', namespace: 'shop', plural: 'things' }, options),
  watch: (kubeConfig, _options, scene) => watch(kubeConfig, scene),
};

const pick = <T>(...values: T[]) => fc.constantFrom(...values);

/** The client of Kubernetes. Its requests are those of the API: headers and bodies are its own, and it has one server. */
export const kubernetesSubject: Subject<KubernetesOptions> = {
  name: '@kubernetes/client-node',
  scenarios: scenariosOf<KubernetesOptions>({
    methods: ['GET'],
    bodies: ['none'],
    headerForms: ['object'],
    aborts: [...ABORTS_BEFORE_ANSWER, 'at the first bytes'],
    hasTimeLimit: ({ timeLimitMs }) => timeLimitMs !== undefined,
    options: fc.record({
      call: pick<KubernetesOptions['call']>('list', 'list', 'get', 'create', 'patch', 'delete', 'custom', 'watch'),
      tells: pick(false, false, true),
      timeLimitMs: oneIn(40, fc.constant(100)),
    }),
  }).map(asOfApi),
  canSendAgain: ({ options: { call } }) => call !== 'watch',
  async exercise(scenario, scene) {
    await scene.perform(async (index) => {
      const kubeConfig = scene.wrap(kubeConfigOf(`${scene.origins.listed}${scene.path(index)}`, scene.ca), withToken);
      try {
        const { call } = scenario.options;
        scene.tell('result', await CALLS[call](kubeConfig, optionsOf(scenario, scene), scene));
      } catch (error) {
        scene.tell('error', error);
        if (error instanceof ApiException) scene.tell('parts of error', { code: error.code, body: error.body });
      }
    });
  },
};

function asOfApi(scenario: Scenario<KubernetesOptions>): Scenario<KubernetesOptions> {
  const { refusedAt, options } = scenario;
  return {
    ...scenario,
    origin: 'listed',
    query: '',
    headers: undefined,
    carrier: 'Authorization',
    // A watch that is refused ends with the 401, at its first hop for either client.
    refusedAt: options.call === 'watch' && refusedAt !== 0 ? undefined : refusedAt,
  };
}

function kubeConfigOf(server: string, ca: string | undefined): KubeConfig {
  const kubeConfig = new KubeConfig();
  // Without this the client sends nothing by `http:`.
  const skipTLSVerify = server.startsWith('http:');
  const caData = ca === undefined ? {} : { caData: Buffer.from(ca).toString('base64') };
  kubeConfig.loadFromClusterAndUser({ name: 'cluster', server, skipTLSVerify, ...caData }, { name: 'user' });
  return kubeConfig;
}

/** A middleware is where a program of this client aborts, and looks at requests. */
function optionsOf({ options }: Scenario<KubernetesOptions>, scene: Scene): object {
  const signal = options.timeLimitMs === undefined ? scene.signal : AbortSignal.timeout(options.timeLimitMs);
  const middleware = {
    pre: (request: never) => {
      const { setSignal, getHeaders, getUrl, getBody } = request as never as Record<
        string,
        (value?: unknown) => unknown
      >;
      if (signal !== undefined) setSignal?.call(request, signal);
      if (options.tells) {
        const [headers, url, body] = [getHeaders, getUrl, getBody].map((get) => get?.call(request));
        scene.tell('middleware sends', { headers, url, body });
      }
      return new Observable(Promise.resolve(request));
    },
    post: (response: { httpStatusCode: number; headers: object }) => {
      if (options.tells)
        scene.tell('middleware receives', { status: response.httpStatusCode, headers: response.headers });
      return new Observable(Promise.resolve(response));
    },
  };
  return { middleware: [middleware], middlewareMergeStrategy: 'append' };
}

async function watch(kubeConfig: KubeConfig, scene: Scene): Promise<void> {
  const { promise: done, resolve } = withResolver();
  const controller = await new Watch(kubeConfig).watch(
    '/api/v1/namespaces/shop/pods',
    { allowWatchBookmarks: true },
    (phase, object, watched) => {
      scene.tell('watched', { phase, object, watched });
      scene.reached('at the first bytes');
    },
    (error: unknown) => {
      scene.tell('watch is done', error);
      resolve();
    },
  );
  const abort = () => controller.abort();
  if (scene.signal?.aborted) abort();
  else scene.signal?.addEventListener('abort', abort);
  await done;
}

function withResolver(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
