import { InvalidOptionError } from 'projected-token';
import { createTokenVerifier, type TokenVerifierOptions } from 'projected-token/verify';
import { describe, expect, it } from 'vitest';

describe('Options', () => {
  const good: TokenVerifierOptions = { issuer: 'https://issuer.test', audience: 'billing' };

  it.each<[string, Partial<TokenVerifierOptions>, string]>([
    ['no audience', { audience: [] }, 'audience'],
    ['an empty audience', { audience: '' }, 'audience'],
    ['an undefined audience', { audience: undefined as never }, 'audience'],
    ['an empty issuer', { issuer: '' }, 'issuer'],
    ['an issuer that is no URL, and no API server', { issuer: 'kubernetes/serviceaccount' }, 'issuer'],
    ['an issuer in clear text', { issuer: 'http://issuer.test' }, 'issuer'],
    ['an API server in clear text', { apiServer: 'http://kubernetes.default.svc' }, 'apiServer'],
    ['a review without an API server', { method: 'token-review' }, 'apiServer'],
    ['an unknown method', { method: 'trust' as never }, 'method'],
    ['HMAC', { algorithms: ['RS256', 'HS256'] }, 'algorithms'],
    ['alg none', { algorithms: ['none'] }, 'algorithms'],
    ['an empty list of namespaces', { namespaces: [] }, 'namespaces'],
    ['a service account without a namespace', { serviceAccounts: ['checkout'] }, 'serviceAccounts'],
    ['a negative tolerance', { clockToleranceSeconds: -1 }, 'clockToleranceSeconds'],
    ['no time at all', { timeoutMs: 0 }, 'timeoutMs'],
  ])('refuses %s', (_what, options, option) => {
    const create = () => createTokenVerifier({ ...good, ...options });
    expect(create).toThrow(InvalidOptionError);
    expect(create).toThrow(expect.objectContaining({ code: 'ERR_TOKEN_OPTION', option }));
  });

  it('takes an issuer that is no URL when the API server is given', () => {
    createTokenVerifier({ ...good, issuer: 'cluster.local', apiServer: 'https://kubernetes.default.svc' });
  });
});
