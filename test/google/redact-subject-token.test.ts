import { IdentityPoolClient } from 'google-auth-library';
import { redactSubjectToken, subjectTokenSupplier } from 'projected-token/google';
import { EmbeddedGoogleSts } from 'projected-token/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createTestCluster,
  expectNoToken,
  rejectionOf,
  SettableSource,
  type TestCluster,
} from '../helpers/federation.js';
import { OtherURLSearchParams } from '../helpers/other-realm.js';

let cluster: TestCluster;
let google: EmbeddedGoogleSts;

beforeEach(async () => {
  cluster = await createTestCluster();
  google = await EmbeddedGoogleSts.start({ trust: cluster });
});

afterEach(() => google.close());

function client(token: string, audience = google.audience): IdentityPoolClient {
  return redactSubjectToken(
    new IdentityPoolClient({
      type: 'external_account',
      audience,
      token_url: google.tokenUrl,
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      subject_token_supplier: subjectTokenSupplier(new SettableSource(token)),
    }),
  );
}

describe('redactSubjectToken', () => {
  it('keeps the token out of the error of a refused exchange', async () => {
    const forged = await (await createTestCluster()).mint({ audience: google.audience });
    const error = await rejectionOf(client(forged).getAccessToken());
    expect(error.message).toMatch(/^Error code invalid_grant/);
    expectNoToken(error, forged);

    const pool = google.audience.replace('/test/', '/gone/');
    const token = await cluster.mint({ audience: `https:${pool}` });
    const missing = await rejectionOf(client(token, pool).getAccessToken());
    expect(missing.message).toMatch(/^Error code invalid_target/);
    expectNoToken(missing, token);
  });

  it('keeps the token out of the error of a server that cannot be reached', async () => {
    const token = await cluster.mint({ audience: google.audience });
    const unreachable = client(token);
    await google.close();
    const error = await rejectionOf(unreachable.getAccessToken());
    expect(error.code).toBe('ECONNREFUSED');
    expectNoToken(error, token);
  });

  it('keeps the token out of a form of another realm', () => {
    const form = new OtherURLSearchParams([['subject_token', 'secret']]);
    let redact: ((error: unknown) => never) | undefined;
    const response = { add: (interceptor: { rejected: typeof redact }) => (redact = interceptor.rejected) };
    redactSubjectToken({ stsCredential: { transporter: { interceptors: { response } } } });
    expect(() => redact!({ config: { data: form } })).toThrow();
    expect(String(form)).toBe('subject_token=%3Credacted%3E');
  });

  it('does not stand in the way of the retries of the library', async () => {
    google.failNext(...[1, 2].map(() => ({ error: 'unavailable', error_description: 'Try again', status: 503 })));
    await client(await cluster.mint({ audience: google.audience })).getAccessToken();
    expect(google.exchanges.map(({ outcome }) => outcome)).toEqual(['unavailable', 'unavailable', 'granted']);
    expect(new Set(google.exchanges.map(({ fingerprint }) => fingerprint)).size).toBe(1);
  });

  it('gives back the same client', () => {
    const plain = new IdentityPoolClient({
      type: 'external_account',
      audience: google.audience,
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      subject_token_supplier: subjectTokenSupplier(new SettableSource('')),
    });
    expect(redactSubjectToken(plain)).toBe(plain);
  });

  it('refuses an object whose errors it could not redact', () => {
    expect(() => redactSubjectToken({})).toThrow(expect.objectContaining({ code: 'ERR_TOKEN_OPTION' }));
  });
});
