import { tmpdir } from 'node:os';
import {
  type ConfigurationOptions,
  CoreV1Api,
  createConfiguration,
  KubeConfig,
  Observable,
  RequestContext,
  ServerConfiguration,
} from '@kubernetes/client-node';
import { ProjectedTokenProvider, type TokenSource } from 'projected-token';
import { withToken } from 'projected-token/kubernetes';
import { type EmbeddedApiServer, TokenVolume } from 'projected-token/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { kubeConfigOf, startApiServer } from '../helpers/api-server.js';
import { expectNoToken, rejectionOf, SettableSource } from '../helpers/federation.js';
import { HttpOrigin } from '../helpers/http-origin.js';
import { FixedTokenSource } from '../helpers/http-token-source.js';

function apiOf(kubeConfig: KubeConfig, source: TokenSource): CoreV1Api {
  return withToken(kubeConfig, source).makeApiClient(CoreV1Api);
}

describe('At an API server', () => {
  let server: EmbeddedApiServer;

  beforeEach(async () => {
    server = await startApiServer();
    server.allow('system:serviceaccounts:ci', 'list', 'pods', 'shop');
  });
  afterEach(() => server.close());

  const mint = async (options = {}) => (await server.createToken('ci', 'robot', options)).token;
  const connect = (source: TokenSource) => apiOf(kubeConfigOf(server, {}), source);
  const statuses = () => server.requests.map(({ status }) => status);

  it('each request carries the newest token, through several rotations of the volume', async () => {
    const volume = TokenVolume.temporary(tmpdir());
    volume.write(await mint());
    await using provider = await ProjectedTokenProvider.open({ path: volume.path });
    const api = connect(provider);
    for (let rotation = 0; rotation < 4; rotation++) {
      const { items } = await api.listNamespacedPod({ namespace: 'shop' });
      expect(items.map(({ metadata }) => metadata?.name)).toEqual(['app-1']);
      await server.rotateKey({ forgetOld: true });
      const token = await mint();
      volume.write(token);
      await expect.poll(() => provider.current?.value === token).toBe(true);
    }
    expect(statuses()).toEqual([200, 200, 200, 200]);
    volume.unmount();
  });

  it('a refused token is replaced, and the request sent once more with its body', async () => {
    const source = new SettableSource('refused');
    source.replacement = await mint();
    const answer = await connect(source).createNamespacedServiceAccountToken({
      namespace: 'shop',
      name: 'app',
      body: { spec: { audiences: ['vault'] } },
    });
    expect(answer.spec.audiences).toEqual(['vault']);
    expect(statuses()).toEqual([401, 201]);
    expect(source.refused).toEqual(['refused']);
  });

  it('a refused token without another is the 401 of the client, with no token in it', async () => {
    const token = await mint({ audiences: ['vault'] });
    const source = new SettableSource(token);
    const error = await rejectionOf(connect(source).listNamespacedPod({ namespace: 'shop' }));
    expect(error).toMatchObject({ code: 401 });
    expect(statuses()).toEqual([401]);
    expectNoToken(error, token);
  });

  it('the CA of the cluster is asked for, before the token is sent', async () => {
    const untrusted = kubeConfigOf({ origin: server.origin }, {});
    const error = await rejectionOf(apiOf(untrusted, new SettableSource(await mint())).listNamespace());
    // Since version 2 the client sends with fetch, which wraps it.
    expect(error.code ?? error.cause).toEqual(
      error.code ? 'DEPTH_ZERO_SELF_SIGNED_CERT' : expect.objectContaining({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }),
    );
    expect(statuses()).toEqual([]);
  });

  it('a failure of the source is the failure of the request, and nothing is sent', async () => {
    const failure = new Error('no token');
    const source = { getToken: () => Promise.reject(failure), replaceToken: async () => undefined };
    expect(await rejectionOf(connect(source).listNamespace())).toBe(failure);
    expect(statuses()).toEqual([]);
  });
});

describe('What is sent', () => {
  let origin: HttpOrigin;
  let other: HttpOrigin;
  let source: FixedTokenSource;

  beforeAll(async () => {
    [origin, other] = await Promise.all([HttpOrigin.start(), HttpOrigin.start()]);
  });
  afterAll(() => Promise.all([origin.close(), other.close()]));
  beforeEach(() => {
    source = new FixedTokenSource();
  });
  afterEach(() => {
    origin.reset();
    other.reset();
  });

  const PODS = '/api/v1/namespaces/shop/pods';
  const LIST = { headers: { 'content-type': 'application/json' }, body: '{"kind":"PodList","items":[]}' };

  /** A cluster without TLS, so that the test can see what goes where. */
  function plainConfig(user: object = {}): KubeConfig {
    const kubeConfig = new KubeConfig();
    kubeConfig.loadFromClusterAndUser(
      { name: 'plain', server: origin.origin, skipTLSVerify: true },
      { name: 'somebody', ...user },
    );
    return kubeConfig;
  }

  /** Options of a call with a middleware that sees the request before it is sent. */
  function beforehand(change: (request: RequestContext) => void): ConfigurationOptions {
    const pass = <T>(value: T) => new Observable(Promise.resolve(value));
    const pre = (request: RequestContext) => {
      change(request);
      return pass(request);
    };
    return { middleware: [{ pre, post: pass }] };
  }

  const list = (api: CoreV1Api) => api.listNamespacedPod({ namespace: 'shop' });
  const seenAt = (at: HttpOrigin, path: string) => at.seen(path, 'authorization');

  it.each([
    ['a token', { token: 'own' }],
    ['a password', { username: 'admin', password: 'own' }],
    ['a plugin', { exec: { command: '/bin/false' } }],
    ['nothing', {}],
  ])("is the source's token, where the user has %s of its own", async (_what, user) => {
    origin.on(PODS, LIST);
    await list(apiOf(plainConfig(user), source));
    expect(seenAt(origin, PODS)).toEqual([source.value(1)]);
    expect(source.reads).toBe(1);
  });

  it('goes twice at most, however many tokens the source has', async () => {
    origin.on(PODS, { status: 401 });
    expect(await rejectionOf(list(apiOf(plainConfig(), source)))).toHaveProperty('code', 401);
    expect(seenAt(origin, PODS)).toEqual([source.value(1), source.value(2)]);
  });

  it('leaves a header alone that a middleware put on, and its refusal too', async () => {
    origin.on(PODS, { status: 401 });
    const own = beforehand((request) => request.setHeaderParam('authorization', 'Bearer own'));
    const api = apiOf(plainConfig(), source);
    await rejectionOf(api.listNamespacedPod({ namespace: 'shop' }, own));
    expect(seenAt(origin, PODS)).toEqual(['Bearer own']);
    expect(source).toMatchObject({ reads: 0, refused: [] });
  });

  // Before 1.3 a request has no signal.
  it.runIf('setSignal' in RequestContext.prototype)(
    'is waited for until the signal of the request aborts',
    async () => {
      const abort = new AbortController();
      source.getToken = () => {
        abort.abort();
        return new Promise(() => {});
      };
      const withSignal = beforehand((request) => request.setSignal(abort.signal));
      const apis = [plainConfig().makeApiClient(CoreV1Api), apiOf(plainConfig(), source)];
      const calls = apis.map((api) => rejectionOf(api.listNamespacedPod({ namespace: 'shop' }, withSignal)));
      // The first one is aborted under way.
      const [bare, wrapped] = await Promise.all(calls);
      expect(wrapped).toEqual(bare);
      expect(wrapped).toMatchObject({ name: 'AbortError' });
      expect(seenAt(origin, PODS).filter((value) => value !== undefined)).toEqual([]);
    },
  );

  it('has the token where the program configures the client itself', async () => {
    origin.on(PODS, LIST);
    const baseServer = new ServerConfiguration(origin.origin, {});
    const authMethods = { default: withToken(plainConfig(), source) };
    await list(new CoreV1Api(createConfiguration({ baseServer, authMethods })));
    expect(seenAt(origin, PODS)).toEqual([source.value(1)]);
  });

  describe('at a redirect', () => {
    const redirect = (from: HttpOrigin, path: string, location: string) =>
      from.on(path, { status: 307, headers: { location } });

    it('has the token on within the origin', async () => {
      redirect(origin, PODS, '/elsewhere');
      origin.on('/elsewhere', LIST);
      await list(apiOf(plainConfig(), source));
      expect(seenAt(origin, '/elsewhere')).toEqual([source.value(1)]);
    });

    it.each<[string, () => string]>([
      ['another port', () => other.origin],
      ['another name', () => other.localhostOrigin],
    ])('has no token towards %s, whose refusal is none', async (_what, target) => {
      redirect(origin, PODS, `${target()}/elsewhere`);
      other.on('/elsewhere', { status: 401 });
      expect(await rejectionOf(list(apiOf(plainConfig(), source)))).toHaveProperty('code', 401);
      expect(seenAt(other, '/elsewhere')).toEqual([undefined]);
      expect(source.refused).toEqual([]);
    });

    it('has no token towards another port, whatever the header Host says', async () => {
      redirect(origin, PODS, `${other.origin}/elsewhere`);
      const { host } = new URL(origin.origin);
      const api = apiOf(plainConfig(), source);
      const withHost = beforehand((request) => request.setHeaderParam('Host', host));
      await api.listNamespacedPod({ namespace: 'shop' }, withHost).catch(() => {});
      expect(seenAt(other, '/elsewhere')).toEqual([undefined]);
    });

    it('has no token any more once the way led elsewhere, even back', async () => {
      redirect(origin, PODS, `${other.origin}/steer`);
      redirect(other, '/steer', `${origin.origin}/delete-all`);
      origin.on('/delete-all', LIST);
      await list(apiOf(plainConfig(), source));
      expect(seenAt(origin, '/delete-all')).toEqual([undefined]);
    });

    it('is sent again at the hop that refused the token, and not at those before', async () => {
      const POD = { headers: LIST.headers, body: '{"kind":"Pod"}' };
      origin.on(PODS, { status: 303, headers: { location: `${other.localhostOrigin}/elsewhere` } });
      other.on('/elsewhere', ({ headers }) => (headers.authorization === source.value(1) ? { status: 401 } : POD));
      const kubeConfig = withToken(plainConfig(), source, { origins: [other.localhostOrigin] });
      const withCookie = beforehand((request) => request.addCookie('of', 'the-first-host'));
      await kubeConfig.makeApiClient(CoreV1Api).createNamespacedPod({ namespace: 'shop', body: {} }, withCookie);
      expect(origin.requests.map(({ method, headers, body }) => [method, headers.cookie, String(body)])).toEqual([
        ['POST', expect.stringContaining('the-first-host'), '{}'],
      ]);
      expect(seenAt(other, '/elsewhere')).toEqual([source.value(1), source.value(2)]);
      const [refused, retry] = other.requests.map(({ headers: { authorization: _, ...headers }, ...rest }) => ({
        ...rest,
        headers,
      }));
      expect([refused!.method, String(refused!.body)]).toEqual(['GET', '']);
      expect(refused!.headers).not.toHaveProperty('cookie');
      expect(retry).toEqual(refused);
    });

    it('has the token on towards an origin that is listed', async () => {
      redirect(origin, PODS, `${other.origin}/elsewhere`);
      other.on('/elsewhere', LIST);
      const kubeConfig = withToken(plainConfig(), source, { origins: [other.origin] });
      await list(kubeConfig.makeApiClient(CoreV1Api));
      expect(seenAt(other, '/elsewhere')).toEqual([source.value(1)]);
    });
  });
});
