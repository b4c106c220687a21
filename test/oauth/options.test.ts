import { OAuthTokenProvider, type OAuthTokenProviderOptions } from 'projected-token/oauth';
import { describe, expect, it } from 'vitest';
import { SettableSource } from '../helpers/federation.js';
import { thrownBy } from '../helpers/thrown-by.js';

const issuer = 'https://keycloak.test/realms/shop';
const source = new SettableSource('e30.e30.e30');
const create = (options: object) =>
  new OAuthTokenProvider({ issuer, source, grant: 'client-credentials', ...options } as OAuthTokenProviderOptions);

describe('An OAuth provider', () => {
  it.each<[string, object, RegExp]>([
    ['issuer', { issuer: undefined }, /"issuer" is missing: set it, or "tokenEndpoint"/],
    ['issuer', { issuer: 'keycloak.test' }, /must be an http: or https: address/],
    ['issuer', { issuer: 'https://a:b@keycloak.test' }, /without credentials/],
    ['tokenEndpoint', { tokenEndpoint: 'ftp://a.test' }, /must be an http: or https: address/],
    ['source', { source: 'eyJ' }, /must be a token source/],
    ['grant', { grant: 'password' }, /must be "client-credentials", "jwt-bearer" or "token-exchange"/],
    ['clientId', { clientId: '' }, /must be the identifier of the client/],
    [
      'clientId',
      { grant: 'jwt-bearer', clientAuthentication: () => {} },
      /is missing: "clientAuthentication" is a function/,
    ],
    [
      'clientAuthentication',
      { clientAuthentication: 'none' },
      /must be "client-assertion" for the grant "client-credentials"/,
    ],
    [
      'clientAuthentication',
      { grant: 'jwt-bearer', clientAuthentication: 'secret' },
      /must be "client-assertion", "none" or a function/,
    ],
    ['requestedTokenType', { requestedTokenType: 'a' }, /is for the grant "token-exchange" only/],
    ['subjectSource', { grant: 'jwt-bearer', subjectSource: source }, /is for the grant "token-exchange" only/],
    ['subjectTokenType', { subjectTokenType: 'a' }, /is for the grant "token-exchange" only/],
    ['subjectSource', { grant: 'token-exchange', subjectSource: {} }, /must be a token source/],
    ['parameters', { parameters: { assertion: 'a' } }, /must not hold "assertion", which the grant sets/],
    ['parameters', { parameters: { client_secret: 'a' } }, /must not hold "client_secret"/],
    ['scope', { scope: ['a', ''] }, /must hold no empty text/],
    ['audience', { audience: '' }, /must hold no empty text/],
    ['defaultLifetimeSeconds', { defaultLifetimeSeconds: 0 }, /must be a number from 1 to 31536000/],
    ['timeoutMs', { timeoutMs: 0 }, /must be a number from 1/],
    ['readyTimeoutMs', { readyTimeoutMs: -1 }, /must be a number from 0/],
    ['dispatcher', { dispatcher: {} }, /must be a dispatcher/],
  ])('cannot have this %s: %o', (option, options, message) => {
    const error = thrownBy(() => create(options));
    expect(error).toMatchObject({ code: 'ERR_TOKEN_OPTION', option, message: expect.stringMatching(message) });
  });

  it.each([{ issuer: 'http://keycloak.auth.svc:8080/realms/shop' }, { tokenEndpoint: 'http://sts.test/token' }])(
    'sends no token in clear text: %o',
    (options) => {
      expect(thrownBy(() => create(options))).toMatchObject({ code: 'ERR_TOKEN_ORIGIN' });
      const origins = ['http://keycloak.auth.svc:8080', 'http://sts.test'];
      expect(create({ ...options, origins }).status.state).toBe('opening');
    },
  );
});
