import { Agent, type ClientRequest } from 'node:http';
import { Agent as SecureAgent } from 'node:https';
import axios, { type AxiosInstance, type AxiosRequestConfig, type AxiosResponse } from 'axios';
import fc from 'fast-check';
import { withToken } from 'projected-token/axios';
import { oneIn, scenariosOf, withListedBase } from '../arbitraries.js';
import { isOneShot, isUnframed, makeBody } from '../make-body.js';
import { makeHeaders } from '../make-headers.js';
import { hasOwnHeader } from '../own-header.js';
import { ABORT_MOMENTS, type Scenario } from '../scenario.js';
import type { Scene } from '../scene.js';
import type { Subject } from '../subject.js';
import { usePlatformAgent } from './platform-dispatcher.js';

/** How a program uses axios. */
export interface AxiosOptions {
  readonly adapter: 'http' | 'fetch';
  /** Members of the request's configuration that can be written down. */
  readonly members: Readonly<AxiosRequestConfig>;
  readonly keepAlive: boolean;
  readonly hasBaseUrl: boolean;
  readonly cancel: 'signal' | 'cancelToken';
  readonly interceptor: 'tells' | 'sends again' | undefined;
  readonly transforms: boolean;
  readonly watchesRedirects: 'tells' | 'throws' | 'changes' | undefined;
  readonly watchesProgress: boolean;
}

const pick = <T>(...values: T[]) => fc.constantFrom(...values);

const members: fc.Arbitrary<AxiosRequestConfig> = fc
  .record({
    timeout: oneIn(40, pick(100)),
    maxRedirects: oneIn(5, pick(0, 1, 2, 5)),
    responseType: oneIn(
      3,
      pick<NonNullable<AxiosRequestConfig['responseType']>>('json', 'text', 'arraybuffer', 'stream', 'blob'),
    ),
    validateStatus: oneIn(8, pick(null)),
    params: oneIn(6, pick<unknown>({ a: 1, b: ['x', 'y'] }, new URLSearchParams({ c: '2' }))),
    auth: oneIn(15, pick({ username: 'user', password: 'secret:1' })),
    decompress: oneIn(12, pick(false)),
    maxContentLength: oneIn(20, pick(10)),
    maxBodyLength: oneIn(20, pick(10)),
    insecureHTTPParser: oneIn(30, pick(true)),
    withCredentials: oneIn(30, pick(true)),
    responseEncoding: oneIn(25, pick('latin1')),
    allowAbsoluteUrls: oneIn(25, pick(false)),
  })
  .map((given) => Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)));

/** Scenarios of axios on Node. */
export const axiosScenarios: fc.Arbitrary<Scenario<AxiosOptions>> = withListedBase(
  scenariosOf<AxiosOptions>({
    methods: ['GET', 'GET', 'GET', 'POST', 'POST', 'put', 'PATCH', 'DELETE', 'head', 'OPTIONS', 'FOO', 'b d'],
    bodies: [
      'null',
      'text',
      'empty text',
      'Buffer',
      'Uint8Array',
      'ArrayBuffer',
      'DataView',
      'Blob',
      'FormData',
      'FormData with a file',
      'URLSearchParams',
      'Readable',
      'failing Readable',
      'ReadableStream',
      'number',
      'object',
      'object',
    ],
    headerForms: ['object', 'object', 'object', 'Headers', 'Map', 'pairs', 'text', 'numbers'],
    aborts: ABORT_MOMENTS,
    hasTimeLimit: ({ members: { timeout } }) => timeout !== undefined,
    options: fc.record({
      adapter: pick<AxiosOptions['adapter']>('http', 'http', 'http', 'http', 'fetch'),
      members,
      keepAlive: pick(true, true, false),
      hasBaseUrl: pick(false, true),
      cancel: pick<AxiosOptions['cancel']>('signal', 'signal', 'cancelToken'),
      interceptor: oneIn(3, pick<AxiosOptions['interceptor']>('tells', 'tells', 'sends again')),
      transforms: pick(false, false, false, true),
      watchesRedirects: oneIn(4, pick<AxiosOptions['watchesRedirects']>('tells', 'tells', 'throws', 'changes')),
      watchesProgress: oneIn(10, pick(true)).map(Boolean),
    }),
  }),
  (options) => options.hasBaseUrl,
).map((scenario) =>
  scenario.options.adapter === 'http' && isUnframed(scenario.method, scenario.body)
    ? { ...scenario, body: 'text' }
    : scenario,
);

/** axios with its http adapter, and with its fetch adapter. */
export const axiosSubject: Subject<AxiosOptions> = {
  name: 'axios',
  scenarios: axiosScenarios,
  canSendAgain: ({ body }) => body !== 'Readable' && body !== 'ReadableStream',
  // The option `auth` makes one.
  hasOwnHeader: (scenario) =>
    hasOwnHeader(scenario) || (scenario.carrier === 'Authorization' && scenario.options.members.auth !== undefined),
  exercise: (scenario, scene) => callAxios(scenario, scene, (instance) => scene.wrap(instance, withToken)),
};

/**
 * Sends with an instance as the scenario says, and tells all that came of it.
 *
 * @param equip - attaches to the instance what is to be on it, the token among that
 */
export async function callAxios(
  scenario: Scenario<AxiosOptions>,
  scene: Scene,
  equip: (instance: AxiosInstance) => AxiosInstance,
): Promise<void> {
  const { adapter, keepAlive, hasBaseUrl } = scenario.options;
  const httpAgent = new Agent({ keepAlive });
  const httpsAgent = new SecureAgent({ keepAlive, ...(scene.ca === undefined ? {} : { ca: scene.ca }) });
  scene.onCleanUp(() => httpAgent.destroy());
  scene.onCleanUp(() => httpsAgent.destroy());
  if (adapter === 'fetch') usePlatformAgent(scene);
  const baseURL = hasBaseUrl ? scene.origins[scenario.origin] : undefined;
  const bare = axios.create({ httpAgent, httpsAgent, adapter, ...(baseURL === undefined ? {} : { baseURL }) });
  intercept(bare, scenario, scene);
  const client = equip(bare);
  scene.tell('instance', { keys: Object.keys(client).sort(), defaults: Object.keys(client.defaults) });
  await scene.perform(async (index) => {
    try {
      const response = await client.request(configOf(scenario, scene, index));
      scene.reached('at the response');
      await tellResponse('response', response, scene);
    } catch (error) {
      if (axios.isAxiosError(error)) await tellError(error, scene);
      else scene.tell('another error', error);
    }
  });
}

function configOf(
  { method, body: kind, headers: choice, options }: Scenario<AxiosOptions>,
  scene: Scene,
  index: number,
) {
  const config: AxiosRequestConfig = {
    url: options.hasBaseUrl ? scene.path(index) : scene.url(index),
    method,
    ...options.members,
  };
  const data = makeBody(kind);
  if (data !== undefined) config.data = data;
  const headers = makeHeaders(choice);
  if (headers !== undefined) config.headers = headers as AxiosRequestConfig['headers'];
  cancelBy(options.cancel, config, scene);
  if (options.transforms) {
    config.transformRequest = [
      function (this: unknown, sent: unknown, sentHeaders: object) {
        scene.tell('transformRequest', { data: typeof sent, headers: { ...sentHeaders } });
        return typeof sent === 'object' && sent?.constructor === Object ? JSON.stringify(sent) : sent;
      },
    ];
    config.transformResponse = (received: unknown, headersOf: object, status?: number) => {
      scene.tell('transformResponse', {
        data: typeof received === 'string' ? received : typeof received,
        headers: { ...headersOf },
        status,
      });
      return received;
    };
  }
  if (options.watchesRedirects !== undefined) config.beforeRedirect = redirectWatcher(options.watchesRedirects, scene);
  if (options.watchesProgress) {
    config.onUploadProgress = ({ loaded, total, upload }) => scene.tell('upload progress', { loaded, total, upload });
    config.onDownloadProgress = ({ loaded, total, download }) =>
      scene.tell('download progress', { loaded, total, download });
  }
  return config;
}

function cancelBy(by: AxiosOptions['cancel'], config: AxiosRequestConfig, scene: Scene): void {
  const { signal } = scene;
  if (signal === undefined) return;
  if (by === 'signal') {
    config.signal = signal;
    return;
  }
  const { token, cancel } = axios.CancelToken.source();
  if (signal.aborted) cancel('The program cancels.');
  else signal.addEventListener('abort', () => cancel('The program cancels.'));
  config.cancelToken = token;
}

function redirectWatcher(
  does: NonNullable<AxiosOptions['watchesRedirects']>,
  scene: Scene,
): AxiosRequestConfig['beforeRedirect'] {
  return (options, response, request) => {
    const { headers, href, method, host, hostname, port, path, protocol, auth } = options;
    scene.tell('beforeRedirect', {
      headers,
      href,
      method,
      host,
      hostname,
      port,
      path,
      protocol,
      auth,
      response,
      request,
    });
    scene.tell('keys of beforeRedirect', Object.keys(options));
    if (does === 'throws') throw new Error('The program does not follow.');
    if (does === 'changes') options.headers['x-changed'] = '1';
  };
}

function intercept(client: AxiosInstance, { body, options }: Scenario<AxiosOptions>, scene: Scene): void {
  const does = options.interceptor;
  if (does === undefined) return;
  client.interceptors.request.use((config) => {
    scene.tell('request interceptor', { keys: Object.keys(config), headers: { ...config.headers }, url: config.url });
    return config;
  });
  // A stream that was read never ends a second time.
  let sendsAgain = does === 'sends again' && !isOneShot(body);
  client.interceptors.response.use(
    (response) => {
      scene.tell('response interceptor', response.status);
      return response;
    },
    (error) => {
      scene.tell('error interceptor', { message: error?.message, status: error?.response?.status });
      if (!sendsAgain || error?.config === undefined) throw error;
      sendsAgain = false;
      return client.request(error.config);
    },
  );
}

async function tellResponse(what: string, response: AxiosResponse, scene: Scene): Promise<void> {
  const { status, statusText, headers, data, config, request } = response;
  const isStream = typeof data?.pipe === 'function';
  scene.tell(what, {
    keys: Object.keys(response),
    status,
    statusText,
    headers: { ...headers },
    of: headers?.constructor?.name,
  });
  scene.tell(`data of ${what}`, isStream ? data.constructor.name : data);
  tellConfig(config, scene);
  tellRequest(request, scene);
  if (!isStream) return;
  try {
    for await (const chunk of data) {
      scene.tell('bytes', chunk);
      scene.reached('at the first bytes');
    }
  } finally {
    scene.tell('end of the stream', { destroyed: data.destroyed });
  }
}

async function tellError(error: InstanceType<typeof axios.AxiosError>, scene: Scene): Promise<void> {
  scene.tell('error', error);
  scene.tell('error to JSON', Object.keys(error.toJSON()));
  if (error.config !== undefined) tellConfig(error.config, scene);
  tellRequest(error.request, scene);
  if (error.response !== undefined) await tellResponse('response of error', error.response, scene);
}

function tellConfig(config: AxiosResponse['config'], scene: Scene): void {
  const { url, baseURL, method, data, params, timeout, maxRedirects, responseType, adapter, auth } = config;
  scene.tell('config', {
    keys: Object.keys(config),
    headers: { ...config.headers },
    of: config.headers?.constructor?.name,
    data: typeof data === 'object' ? data?.constructor?.name : data,
    ...{ url, baseURL, method, params, timeout, maxRedirects, responseType, adapter, auth },
    redirects: config.beforeRedirect?.length,
  });
}

/** Node's request, or that of fetch. */
function tellRequest(request: (ClientRequest & { url?: string }) | undefined, scene: Scene): void {
  if (request === undefined) {
    scene.tell('no request');
    return;
  }
  const { method, path, host, protocol, reusedSocket, destroyed, url } = request;
  const names = typeof request.getRawHeaderNames === 'function' ? request.getRawHeaderNames() : [];
  scene.tell('request', {
    of: request.constructor?.name,
    ...{ method, path, host, protocol, reusedSocket, destroyed, url },
    headers: names.filter((name) => name.toLowerCase() !== scene.scenario.carrier.toLowerCase()),
  });
}
