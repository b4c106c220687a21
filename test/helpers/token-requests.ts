import {
  type RequestedTokenInfo,
  TokenRequestProvider,
  type TokenRequestProviderOptions,
} from 'projected-token/kubernetes';
import type { EmbeddedApiServer, EmbeddedApiServerOptions } from 'projected-token/testing';
import { afterEach } from 'vitest';
import { callerToken, kubeConfigOf, startApiServer } from './api-server.js';

type Options = Partial<TokenRequestProviderOptions>;

/** For a test file: a server for each test, and providers of the tokens of `shop/app` there. All are closed after it. */
export function tokenRequests() {
  let server: EmbeddedApiServer;
  let caller: string;
  const providers: TokenRequestProvider[] = [];

  afterEach(async () => {
    await Promise.all(providers.splice(0).map((provider) => provider.close()));
    await server.close();
  });

  function makeProvider(options: Options = {}): TokenRequestProvider {
    const kubeConfig = kubeConfigOf(server, { token: caller });
    const provider = new TokenRequestProvider({ namespace: 'shop', serviceAccount: 'app', kubeConfig, ...options });
    providers.push(provider);
    return provider;
  }

  return {
    async startServer(options: EmbeddedApiServerOptions = {}): Promise<EmbeddedApiServer> {
      server = await startApiServer(options);
      caller = await callerToken(server);
      return server;
    },
    /** A provider that has not started. */
    makeProvider,
    open: (options?: Options): Promise<TokenRequestProvider> => makeProvider(options).start(),
    /** The token that the provider authenticates with. */
    caller: () => caller,
  };
}

export function nextRotation(provider: TokenRequestProvider): Promise<RequestedTokenInfo> {
  return new Promise((resolve) => provider.once('rotated', ({ token }) => resolve(token)));
}

export function nextFailure(provider: TokenRequestProvider): Promise<Error> {
  return new Promise((resolve) => provider.once('error', resolve));
}
