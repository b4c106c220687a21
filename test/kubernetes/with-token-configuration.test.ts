import { KubeConfig } from '@kubernetes/client-node';
import { InvalidOptionError, TokenOriginError } from 'projected-token';
import { withToken } from 'projected-token/kubernetes';
import { describe, expect, it } from 'vitest';
import { FixedTokenSource } from '../helpers/http-token-source.js';

describe('The given configuration', () => {
  const config = {
    clusters: [
      { name: 'a', server: 'https://a.test' },
      { name: 'b', server: 'https://b.test' },
    ],
    users: [{ name: 'admin', token: 'own', certData: 'own', keyData: 'own', password: 'own' }],
    contexts: [
      { name: 'at-a', cluster: 'a', user: 'admin', namespace: 'shop' },
      { name: 'at-b', cluster: 'b', user: 'admin' },
    ],
    currentContext: 'at-a',
  };

  function given(): KubeConfig {
    const kubeConfig = new KubeConfig();
    kubeConfig.loadFromOptions(structuredClone(config));
    return kubeConfig;
  }

  it('stays as it is, whatever happens to the other', () => {
    const kubeConfig = given();
    const made = withToken(kubeConfig, new FixedTokenSource());
    made.addUser({ name: 'another' });
    Object.assign(made.clusters[0]!, { server: 'https://c.test' });
    made.setCurrentContext('another');
    expect(kubeConfig.exportConfig()).toBe(given().exportConfig());
  });

  it('gives its current context on, without the secrets of the user, and no other', () => {
    const made = withToken(given(), new FixedTokenSource());
    expect(made.getCurrentCluster()).toEqual(config.clusters[0]);
    expect(made.getContextObject(made.getCurrentContext())).toEqual(config.contexts[0]);
    expect(made.exportConfig()).not.toMatch(/own|at-b|b\.test/);
  });
});

describe('It is refused', () => {
  function kubeConfigAt(server: string): KubeConfig {
    const kubeConfig = new KubeConfig();
    kubeConfig.loadFromClusterAndUser({ name: 'c', server, skipTLSVerify: true }, { name: 'somebody' });
    return kubeConfig;
  }

  it('to send a token in clear text over the network, unless that is what the program listed', () => {
    const server = 'http://api.internal:8080';
    expect(() => withToken(kubeConfigAt(server), new FixedTokenSource())).toThrow(TokenOriginError);
    expect(withToken(kubeConfigAt(server), new FixedTokenSource(), { origins: [server] })).toBeInstanceOf(KubeConfig);
  });

  it('to do without a current cluster', () => {
    const make = () => withToken(new KubeConfig(), new FixedTokenSource());
    expect(make).toThrow(InvalidOptionError);
    expect(make).toThrow(expect.objectContaining({ option: 'kubeConfig' }));
  });

  it('to put a token into a header that no API server reads', () => {
    const source = new FixedTokenSource({ header: 'X-Vault-Token' });
    expect(() => withToken(kubeConfigAt('https://a.test'), source)).toThrow(
      expect.objectContaining({ code: 'ERR_TOKEN_OPTION', option: 'source' }),
    );
  });
});
