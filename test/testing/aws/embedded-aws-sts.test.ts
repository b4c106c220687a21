import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { EmbeddedAwsSts } from 'projected-token/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createTestCluster, type TestCluster } from '../../helpers/federation.js';

let cluster: TestCluster;
let sts: EmbeddedAwsSts;

beforeEach(async () => {
  cluster = await createTestCluster();
  sts = await EmbeddedAwsSts.start({ trust: cluster });
});

afterEach(async () => {
  vi.useRealTimers();
  await sts.close();
});

async function assumeRole(parameters: Record<string, string>, headers: Record<string, string> = {}): Promise<Response> {
  const form = new URLSearchParams({
    Action: 'AssumeRoleWithWebIdentity',
    Version: '2011-06-15',
    RoleArn: 'arn:aws:iam::123456789012:role/path/app',
    RoleSessionName: 'pod-1',
    ...parameters,
  });
  return fetch(sts.origin, { method: 'POST', body: form, headers });
}

const token = (audience = 'sts.amazonaws.com') => cluster.mint({ audience });

interface JsonReply {
  AssumeRoleWithWebIdentityResponse: {
    AssumeRoleWithWebIdentityResult: {
      Credentials: { AccessKeyId: string; SecretAccessKey: string; SessionToken: string; Expiration: number };
      AssumedRoleUser: { Arn: string };
      SubjectFromWebIdentityToken: string;
    };
  };
}

async function credentials(parameters: Record<string, string> = {}) {
  const reply = await assumeRole({ WebIdentityToken: await token(), ...parameters }, { accept: 'application/json' });
  return ((await reply.json()) as JsonReply).AssumeRoleWithWebIdentityResponse.AssumeRoleWithWebIdentityResult;
}

function callAs(identity: { AccessKeyId: string; SecretAccessKey: string; SessionToken: string }) {
  const client = new STSClient({
    region: 'eu-central-1',
    endpoint: sts.origin,
    credentials: {
      accessKeyId: identity.AccessKeyId,
      secretAccessKey: identity.SecretAccessKey,
      sessionToken: identity.SessionToken,
    },
  });
  return client.send(new GetCallerIdentityCommand({})).finally(() => client.destroy());
}

describe('EmbeddedAwsSts', () => {
  it('answers in XML unless it is asked for JSON', async () => {
    const reply = await assumeRole({ WebIdentityToken: await token() });
    expect(reply.headers.get('content-type')).toBe('text/xml');
    const xml = await reply.text();
    expect(xml).toMatch(
      /^<AssumeRoleWithWebIdentityResponse xmlns="https:\/\/sts\.amazonaws\.com\/doc\/2011-06-15\/">/,
    );
    expect(xml).toMatch(/<Expiration>\d{4}-\d\d-\d\dT[\d:.]+Z<\/Expiration>/);
  });

  it('answers in JSON with times in seconds when asked for it', async () => {
    const result = await credentials({ DurationSeconds: '900' });
    expect(result.AssumedRoleUser.Arn).toBe('arn:aws:sts::123456789012:assumed-role/app/pod-1');
    expect(result.SubjectFromWebIdentityToken).toBe('system:serviceaccount:demo:app');
    expect(result.Credentials.AccessKeyId).toMatch(/^ASIA[0-9A-Z]{16}$/);
    expect(Math.abs(result.Credentials.Expiration - (Date.now() / 1000 + 900))).toBeLessThan(5);
  });

  it('answers a GET as well', async () => {
    const query = new URLSearchParams({
      Action: 'AssumeRoleWithWebIdentity',
      RoleArn: 'arn:aws:iam::123456789012:role/app',
      RoleSessionName: 'pod-1',
      WebIdentityToken: await token(),
    });
    expect((await fetch(`${sts.origin}/?${query}`)).status).toBe(200);
  });

  it('answers errors in both forms, escaped', async () => {
    sts.failNext({ code: 'Odd', message: 'a < b & c', status: 503 }, { code: 'Odd', message: 'a < b & c' });
    const xml = await assumeRole({});
    expect(xml.status).toBe(503);
    expect(await xml.text()).toContain(
      '<Error><Type>Receiver</Type><Code>Odd</Code><Message>a &lt; b &amp; c</Message></Error>',
    );
    const json = await assumeRole({}, { accept: 'application/json' });
    expect(json.status).toBe(400);
    expect(await json.json()).toMatchObject({ Error: { Type: 'Sender', Code: 'Odd', Message: 'a < b & c' } });
  });

  it.each([
    ['a text that is no token', { WebIdentityToken: 'garbage' }, 'InvalidIdentityToken'],
    ['a role that is no ARN', { RoleArn: 'app' }, 'ValidationError'],
    ['a session name with a space', { RoleSessionName: 'my pod' }, 'ValidationError'],
    ['a duration that is too short', { DurationSeconds: '899' }, 'ValidationError'],
    ['a duration that is too long', { DurationSeconds: '43201' }, 'ValidationError'],
    ['another action', { Action: 'AssumeRole' }, 'InvalidAction'],
  ])('refuses %s', async (_name, parameters, code) => {
    const reply = await assumeRole({ WebIdentityToken: await token(), ...parameters });
    expect(reply.status).toBe(400);
    expect(await reply.text()).toContain(`<Code>${code}</Code>`);
  });

  it('refuses a token of another issuer, and one signed by another key', async () => {
    const stranger = await createTestCluster('https://other.test');
    const other = await assumeRole({ WebIdentityToken: await stranger.mint({ audience: 'sts.amazonaws.com' }) });
    expect(await other.text()).toContain('No OpenIDConnect provider found in your account for https://other.test');
    const forger = await createTestCluster(cluster.issuer);
    const forged = await assumeRole({ WebIdentityToken: await forger.mint({ audience: 'sts.amazonaws.com' }) });
    expect(await forged.text()).toContain('<Code>InvalidIdentityToken</Code>');
  });

  it('accepts the credentials that it gave out, and no others', async () => {
    const { Credentials } = await credentials();
    expect((await callAs(Credentials)).Arn).toBe('arn:aws:sts::123456789012:assumed-role/app/pod-1');
    await expect(callAs({ ...Credentials, SecretAccessKey: 'guessed' })).rejects.toThrow(
      expect.objectContaining({ name: 'SignatureDoesNotMatch' }),
    );
    await expect(callAs({ ...Credentials, SessionToken: 'guessed' })).rejects.toThrow(
      expect.objectContaining({ name: 'InvalidClientTokenId' }),
    );
    const unsigned = await fetch(`${sts.origin}/?Action=GetCallerIdentity`);
    expect(unsigned.status).toBe(403);
    expect(await unsigned.text()).toContain('<Code>MissingAuthenticationToken</Code>');
  });

  it('refuses its credentials once they expired', async () => {
    const { Credentials } = await credentials({ DurationSeconds: '900' });
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 901_000 });
    await expect(callAs(Credentials)).rejects.toThrow(expect.objectContaining({ name: 'ExpiredToken' }));
  });
});
