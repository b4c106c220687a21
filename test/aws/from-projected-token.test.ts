import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { BoundToken, type TokenSource } from 'projected-token';
import { type FromProjectedTokenOptions, fromProjectedToken } from 'projected-token/aws';
import { EmbeddedAwsSts } from 'projected-token/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  createTestCluster,
  expectNoToken,
  rejectionOf,
  SettableSource,
  type TestCluster,
} from '../helpers/federation.js';

const ROLE = 'arn:aws:iam::123456789012:role/app';
const AUDIENCE = 'sts.amazonaws.com';

let cluster: TestCluster;
let sts: EmbeddedAwsSts;
const clients: STSClient[] = [];

beforeEach(async () => {
  cluster = await createTestCluster();
  sts = await EmbeddedAwsSts.start({ trust: cluster, roles: { [ROLE]: ['system:serviceaccount:demo:app'] } });
  vi.stubEnv('AWS_ENDPOINT_URL_STS', sts.origin);
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await sts.close();
  vi.unstubAllEnvs();
});

function provider(source: TokenSource, options: Partial<FromProjectedTokenOptions> = {}) {
  return fromProjectedToken({
    source,
    roleArn: ROLE,
    region: 'eu-central-1',
    ...options,
  });
}

function client(source: TokenSource, options: Partial<FromProjectedTokenOptions> = {}): STSClient {
  const created = new STSClient({
    region: 'eu-central-1',
    credentials: provider(source, options),
  });
  clients.push(created);
  return created;
}

const outcomes = () => sts.exchanges.map(({ outcome }) => outcome);
const fingerprints = () => sts.exchanges.map(({ fingerprint }) => fingerprint);

describe('fromProjectedToken', () => {
  it('gives a client of the SDK credentials that AWS accepts', async () => {
    const token = await cluster.mint({ audience: AUDIENCE });
    const source = new SettableSource(token);
    const identity = await client(source, { roleSessionName: 'pod-1' }).send(new GetCallerIdentityCommand({}));
    expect(identity.Arn).toBe('arn:aws:sts::123456789012:assumed-role/app/pod-1');
    expect(identity.Account).toBe('123456789012');
    expect(fingerprints()).toEqual([BoundToken.parse(token).fingerprint]);
  });

  it('exchanges once for many calls of one client', async () => {
    const sdk = client(new SettableSource(await cluster.mint({ audience: AUDIENCE })));
    await Promise.all(Array.from({ length: 20 }, () => sdk.send(new GetCallerIdentityCommand({}))));
    await sdk.send(new GetCallerIdentityCommand({}));
    expect(outcomes()).toEqual(['granted']);
    expect(sts.callerIdentityRequests).toBe(21);
  });

  it('exchanges once for many clients that start together', async () => {
    const credentials = provider(new SettableSource(await cluster.mint({ audience: AUDIENCE })));
    for (let count = 0; count < 10; count += 1) clients.push(new STSClient({ region: 'eu-central-1', credentials }));
    await Promise.all(clients.map((sdk) => sdk.send(new GetCallerIdentityCommand({}))));
    expect(outcomes()).toEqual(['granted']);
    expect(sts.callerIdentityRequests).toBe(10);
  });

  it('takes the newest token at each exchange, over several rotations', async () => {
    const source = new SettableSource(await cluster.mint({ audience: AUDIENCE }));
    const credentials = provider(source);
    const expected: string[] = [];
    for (let rotation = 0; rotation < 5; rotation += 1) {
      source.current = await cluster.mint({ audience: AUDIENCE });
      expected.push(BoundToken.parse(source.current).fingerprint);
      const { expiration } = await credentials();
      expect(expiration!.getTime()).toBeGreaterThan(Date.now() + 3_000_000);
    }
    expect(fingerprints()).toEqual(expected);
    expect(new Set(outcomes())).toEqual(new Set(['granted']));
  });

  it('replaces a token that STS finds expired, once, and goes on with the new one', async () => {
    const expired = await cluster.mint({ audience: AUDIENCE, expiresInSeconds: -60 });
    const source = new SettableSource(expired);
    source.replacement = await cluster.mint({ audience: AUDIENCE });
    await client(source).send(new GetCallerIdentityCommand({}));
    expect(source.refused).toEqual([expired]);
    expect(outcomes()).toEqual(['ExpiredTokenException', 'granted']);
  });

  it("surfaces the SDK's ExpiredTokenException when there is no other token", async () => {
    const token = await cluster.mint({ audience: AUDIENCE, expiresInSeconds: -60 });
    const source = new SettableSource(token);
    const error = await rejectionOf(client(source).send(new GetCallerIdentityCommand({})));
    expect(error.name).toBe('ExpiredTokenException');
    expect(error.message).toMatch(/^Token expired: current date\/time \d+ must be before/);
    expect(error.$metadata).toMatchObject({ httpStatusCode: 400 });
    expect(outcomes()).toEqual(['ExpiredTokenException']);
    expect(source.refused).toEqual([token]);
    expectNoToken(error, token);
  });

  it('gives up after one replacement', async () => {
    const source = new SettableSource(await cluster.mint({ audience: AUDIENCE, expiresInSeconds: -60 }));
    source.replacement = await cluster.mint({ audience: AUDIENCE, expiresInSeconds: -30 });
    const error = await rejectionOf(provider(source)());
    expect(error.name).toBe('ExpiredTokenException');
    expect(outcomes()).toEqual(['ExpiredTokenException', 'ExpiredTokenException']);
    expect(source.refused).toHaveLength(1);
  });

  it('replaces a token whose expiry a service tells as InvalidIdentityToken', async () => {
    const source = new SettableSource(await cluster.mint({ audience: AUDIENCE }));
    source.replacement = await cluster.mint({ audience: AUDIENCE });
    sts.failNext({ code: 'InvalidIdentityToken', message: 'The web identity token has expired' });
    await provider(source)();
    expect(outcomes()).toEqual(['InvalidIdentityToken', 'granted']);
  });

  it.each([
    { audience: 'vault', name: 'a single audience' },
    { audience: ['vault', 'https://kubernetes.default.svc'], name: 'a list of audiences' },
  ])('catches $name that is not for AWS before STS is asked', async ({ audience }) => {
    const token = await cluster.mint({ audience });
    const source = new SettableSource(token);
    const error = await rejectionOf(client(source).send(new GetCallerIdentityCommand({})));
    expect(error).toMatchObject({
      name: 'TokenClaimError',
      code: 'ERR_TOKEN_AUDIENCE',
      claim: 'aud',
      expected: [AUDIENCE],
      found: [audience].flat(),
    });
    expect(sts.exchanges).toEqual([]);
    expect(sts.callerIdentityRequests).toBe(0);
    expectNoToken(error, token);
  });

  it('checks the audience of a replacement as well', async () => {
    const source = new SettableSource(await cluster.mint({ audience: AUDIENCE, expiresInSeconds: -60 }));
    source.replacement = await cluster.mint({ audience: 'vault' });
    expect(await rejectionOf(provider(source)())).toMatchObject({ code: 'ERR_TOKEN_AUDIENCE' });
    expect(outcomes()).toEqual(['ExpiredTokenException']);
  });

  it('accepts the audiences that it is told to, and leaves the check to STS when told so', async () => {
    const other = new SettableSource(await cluster.mint({ audience: 'other' }));
    for (const audience of ['other', ['sts.amazonaws.com', 'other'], false] as const) {
      const error = await rejectionOf(provider(other, { audience })());
      expect(error.name).toBe('InvalidIdentityTokenException');
      expect(error.message).toBe('Incorrect token audience');
    }
    expect(sts.exchanges).toHaveLength(3);
    expect(other.refused).toEqual([]);
  });

  it("surfaces every other refusal as the SDK's own error, without a second attempt", async () => {
    const stranger = await createTestCluster();
    const forged = await stranger.mint({ audience: AUDIENCE });
    const error = await rejectionOf(provider(new SettableSource(forged))());
    expect(error.name).toBe('InvalidIdentityTokenException');
    expectNoToken(error, forged);

    const good = new SettableSource(await cluster.mint({ audience: AUDIENCE }));
    const denied = await rejectionOf(provider(good, { roleArn: 'arn:aws:iam::123456789012:role/other' })());
    expect(denied).toMatchObject({ name: 'AccessDenied', $metadata: { httpStatusCode: 403 } });
    expect(good.refused).toEqual([]);
    expect(outcomes()).toEqual(['InvalidIdentityToken', 'AccessDenied']);
  });

  it('leaves the retry of IDPCommunicationError to the SDK', async () => {
    const source = new SettableSource(await cluster.mint({ audience: AUDIENCE }));
    sts.failNext({ code: 'IDPCommunicationError', message: 'An error occurred when calling the identity provider' });
    await provider(source)();
    expect(outcomes()).toEqual(['IDPCommunicationError', 'granted']);
  });

  it('passes on the error of a source that has no token', async () => {
    const broken: TokenSource = {
      getToken: () => Promise.reject(new Error('no token today')),
      replaceToken: async () => undefined,
    };
    await expect(provider(broken)()).rejects.toThrow('no token today');
    expect(sts.exchanges).toEqual([]);
  });

  it('reads the role, the session name and the region from the environment, as the SDK does', async () => {
    vi.stubEnv('AWS_ROLE_ARN', ROLE);
    vi.stubEnv('AWS_ROLE_SESSION_NAME', 'from-the-environment');
    vi.stubEnv('AWS_REGION', 'eu-west-3');
    const source = new SettableSource(await cluster.mint({ audience: AUDIENCE }));
    const sdk = new STSClient({ credentials: fromProjectedToken({ source }) });
    clients.push(sdk);
    const { Arn } = await sdk.send(new GetCallerIdentityCommand({}));
    expect(Arn).toBe('arn:aws:sts::123456789012:assumed-role/app/from-the-environment');
  });

  it.each([
    ['the option', { region: 'ap-south-1' }, 'sts.ap-south-1.amazonaws.com'],
    ['AWS_REGION', { region: undefined }, 'sts.eu-west-3.amazonaws.com'],
  ])('asks STS of the region that %s names', async (_name, options, expected) => {
    vi.stubEnv('AWS_ENDPOINT_URL_STS', undefined);
    vi.stubEnv('AWS_REGION', 'eu-west-3');
    const hosts: string[] = [];
    const requestHandler = {
      async handle({ hostname }: { hostname: string }) {
        hosts.push(hostname);
        throw new Error('not sent');
      },
    };
    const source = new SettableSource(await cluster.mint({ audience: AUDIENCE }));
    await rejectionOf(provider(source, { ...options, clientConfig: { requestHandler } })());
    expect(hosts).toEqual([expected]);
  });

  it('hands the configuration of the STS client to the SDK', async () => {
    vi.stubEnv('AWS_ENDPOINT_URL_STS', undefined);
    const source = new SettableSource(await cluster.mint({ audience: AUDIENCE }));
    await provider(source, { clientConfig: { endpoint: sts.origin }, durationSeconds: 900 })();
    expect(outcomes()).toEqual(['granted']);
  });

  it('asks for the lifetime that it is told', async () => {
    const source = new SettableSource(await cluster.mint({ audience: AUDIENCE }));
    const { expiration } = await provider(source, { durationSeconds: 900 })();
    expect(Math.abs(expiration!.getTime() - Date.now() - 900_000)).toBeLessThan(5_000);
  });

  it('says what to set when there is no role', async () => {
    vi.stubEnv('AWS_ROLE_ARN', undefined);
    const credentials = fromProjectedToken({ source: new SettableSource('unused') });
    expect(await rejectionOf(credentials())).toMatchObject({ code: 'ERR_TOKEN_OPTION', option: 'roleArn' });
  });
});
