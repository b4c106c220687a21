import { tmpdir } from 'node:os';
import { type CallCredentials, type ClientOptions, credentials, Metadata, status } from '@grpc/grpc-js';
import { ProjectedTokenProvider, type TokenCarrier, type TokenSource } from 'projected-token';
import { tokenCallCredentials } from 'projected-token/grpc';
import { mintToken, TokenVolume } from 'projected-token/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { rejectionOf, SettableSource } from '../helpers/federation.js';
import { Gate } from '../helpers/gate.js';
import { CALL_KINDS, EchoClient, GrpcEcho } from '../helpers/grpc-echo.js';
import { expectNoToken, FixedTokenSource } from '../helpers/http-token-source.js';
import { inOtherRealm } from '../helpers/other-realm.js';
import { inUse } from '../helpers/provider-events.js';

let server: GrpcEcho;
let source: FixedTokenSource;

beforeAll(async () => {
  server = await GrpcEcho.start();
});
afterAll(() => server.close());
beforeEach(() => {
  source = new FixedTokenSource();
});
afterEach(() => server.reset());

/** A client on a secure channel, closed after the test. */
function connect(from: TokenSource = source, options?: ClientOptions): EchoClient {
  return open(credentials.combineChannelCredentials(server.channelCredentials, tokenCallCredentials(from)), options);
}

function open(channelCredentials = server.channelCredentials, options?: ClientOptions): EchoClient {
  const client = new EchoClient(server.address, channelCredentials, options);
  onTestFinished(() => client.close());
  return client;
}

describe.each(CALL_KINDS)('A %s call', (kind) => {
  it('carries the token', async () => {
    expect(await connect().call(kind)).toBe('hello');
    expect(server.seen('authorization')).toEqual([[source.value(1)]]);
  });

  it('fails with UNAUTHENTICATED when there is no token, says why, and sends nothing', async () => {
    source.getToken = () => Promise.reject(new Error('/var/run/secrets/tokens is empty'));
    const error = await rejectionOf(connect().call(kind));
    expect(error.code).toBe(status.UNAUTHENTICATED);
    expect(error.details).toContain('/var/run/secrets/tokens is empty');
    expect(server.calls).toEqual([]);
  });

  it('fails with the message alone of an error of another realm', async () => {
    source.getToken = () => Promise.reject(inOtherRealm('new Error("no token")'));
    const error = await rejectionOf(connect().call(kind));
    expect(error.details).toMatch(/\bno token$/);
    expect(error.details).not.toContain('Error: no token');
  });

  it('that the server refuses is not sent again, and shows no token', async () => {
    server.refuses = () => true;
    const error = await rejectionOf(connect().call(kind));
    expect(error).toMatchObject({ code: status.UNAUTHENTICATED, details: 'no' });
    expect(server.calls).toHaveLength(1);
    expectNoToken(error, source);
  });

  it('that is cancelled while the token is read ends at once, and the token may come late', async () => {
    const asked = new Gate();
    const token = new Gate<string>();
    source.getToken = () => {
      asked.open();
      return token.opened;
    };
    const client = connect();
    const abort = new AbortController();
    const failure = rejectionOf(client.call(kind, { signal: abort.signal }));
    await asked.opened;
    abort.abort();
    expect((await failure).code).toBe(status.CANCELLED);
    token.open('late');
    source.getToken = async () => 'next';
    await client.call('unary');
    expect(server.seen('authorization').at(-1)).toEqual(['Bearer next']);
  });
});

const CARRIERS: Record<string, { carrier?: TokenCarrier; key: string }> = {
  'Authorization: Bearer': { key: 'authorization' },
  'X-Vault-Token': { carrier: { header: 'X-Vault-Token' }, key: 'x-vault-token' },
  'a scheme of its own': { carrier: { header: 'X-Auth', scheme: 'Token' }, key: 'x-auth' },
};

it.each(Object.entries(CARRIERS))('the token goes as the source says: %s', async (_, { carrier, key }) => {
  source = new FixedTokenSource(carrier);
  await connect().call('unary');
  expect(server.seen(key)).toEqual([[source.value(1)]]);
});

it('a source whose carrier names no header is refused', () => {
  source = new FixedTokenSource({ header: 'no header' });
  expect(() => tokenCallCredentials(source)).toThrow(
    expect.objectContaining({ code: 'ERR_TOKEN_OPTION', option: 'carrier' }),
  );
});

it('every call asks for the token that is current then, calls at once included', async () => {
  const settable = new SettableSource('one');
  const client = connect(settable);
  await Promise.all([client.call('unary'), client.call('bidi')]);
  settable.current = 'two';
  await Promise.all([client.call('unary'), client.call('serverStream')]);
  expect(server.seen('authorization').flat()).toEqual(['Bearer one', 'Bearer one', 'Bearer two', 'Bearer two']);
});

it('the call after a rotation carries the new token of the volume, on the same channel', async () => {
  const volume = TokenVolume.temporary(tmpdir());
  onTestFinished(() => volume.unmount());
  const [first, second] = await Promise.all([mintToken(), mintToken({ expiresInSeconds: 7200 })]);
  volume.write(first);
  await using provider = await ProjectedTokenProvider.open({ path: volume.path });
  const client = connect(provider);
  await client.call('unary');
  volume.write(second);
  await inUse(provider, second);
  await client.call('unary');
  expect(server.seen('authorization')).toEqual([[`Bearer ${first}`], [`Bearer ${second}`]]);
});

it('a retry policy that lists UNAUTHENTICATED sends a refused call again, with the token that is current then', async () => {
  const settable = new SettableSource('one');
  server.refuses = (metadata) => {
    settable.current = 'two';
    return metadata.get('authorization').includes('Bearer one');
  };
  const retryPolicy = {
    maxAttempts: 2,
    initialBackoff: '0.001s',
    maxBackoff: '0.001s',
    backoffMultiplier: 1,
    retryableStatusCodes: ['UNAUTHENTICATED'],
  };
  const serviceConfig = JSON.stringify({ methodConfig: [{ name: [{ service: 'test.Echo' }], retryPolicy }] });
  expect(await connect(settable, { 'grpc.service_config': serviceConfig }).call('unary')).toBe('hello');
  expect(server.seen('authorization')).toEqual([['Bearer one'], ['Bearer two']]);
});

describe('An insecure channel', () => {
  it('cannot be combined with them', () => {
    const insecure = credentials.createInsecure();
    expect(() => credentials.combineChannelCredentials(insecure, tokenCallCredentials(source))).toThrow(/insecure/);
    expect(source.reads).toBe(0);
  });
});

describe('A secure channel', () => {
  it('sends nothing to a server that it does not trust', async () => {
    const untrusting = credentials.combineChannelCredentials(credentials.createSsl(), tokenCallCredentials(source));
    const error = await rejectionOf(open(untrusting).call('unary'));
    expect(error.code).toBe(status.UNAVAILABLE);
    expect(server.calls).toEqual([]);
    expectNoToken(error, source);
  });

  it('may have other call credentials as well', async () => {
    const tenant: CallCredentials = credentials.createFromMetadataGenerator((_, callback) => {
      const metadata = new Metadata();
      metadata.set('x-tenant', 'shop');
      callback(null, metadata);
    });
    const combined = credentials.combineCallCredentials(tenant, tokenCallCredentials(source));
    await open(credentials.combineChannelCredentials(server.channelCredentials, combined)).call('unary');
    expect(server.seen('x-tenant')).toEqual([['shop']]);
    expect(server.seen('authorization')).toEqual([[source.value(1)]]);
  });

  it('takes them for one call only, too', async () => {
    const client = open();
    await client.call('unary', { credentials: tokenCallCredentials(source) });
    await client.call('unary');
    expect(server.seen('authorization')).toEqual([[source.value(1)], []]);
  });

  it('sends the metadata of the call along', async () => {
    const metadata = new Metadata();
    metadata.set('x-request-id', '7');
    await connect().call('unary', { metadata });
    expect(server.seen('x-request-id')).toEqual([['7']]);
  });

  it('fails a call that has the authorization already, and sends nothing', async () => {
    const metadata = new Metadata();
    metadata.set('authorization', 'own');
    const error = await rejectionOf(connect().call('unary', { metadata }));
    expect(error.code).toBe(status.INTERNAL);
    expect(server.calls).toEqual([]);
    expectNoToken(error, source);
  });
});

describe('A source', () => {
  it.each<[string, () => Promise<string>, string]>([
    ['rejects with what is no error', () => Promise.reject('no token'), 'no token'],
    [
      'throws',
      () => {
        throw new Error('at once');
      },
      'at once',
    ],
  ])('that %s fails the call with UNAUTHENTICATED', async (_, getToken, details) => {
    source.getToken = getToken;
    const error = await rejectionOf(connect().call('unary'));
    expect(error).toMatchObject({ code: status.UNAUTHENTICATED, details: expect.stringContaining(details) });
  });

  it.each(['new\nline', 'non-ÄSCII', '', 'two parts'])(
    'that gives the token %j has it neither sent nor quoted',
    async (token) => {
      source.getToken = async () => token;
      const error = await rejectionOf(connect().call('unary'));
      expect(error.code).toBe(status.UNAUTHENTICATED);
      if (token !== '') expect(error.message).not.toContain(token);
      expect(server.calls).toEqual([]);
    },
  );

  it('that takes longer than the deadline fails the call with DEADLINE_EXCEEDED', async () => {
    source.getToken = () => new Promise(() => {});
    const error = await rejectionOf(connect().call('unary', { deadline: Date.now() + 100 }));
    expect(error.code).toBe(status.DEADLINE_EXCEEDED);
    expect(server.calls).toEqual([]);
  });

  it('that is closed fails the call, which says so', async () => {
    const volume = TokenVolume.temporary(tmpdir());
    onTestFinished(() => volume.unmount());
    volume.write(await mintToken());
    const provider = await ProjectedTokenProvider.open({ path: volume.path });
    await provider.close();
    const error = await rejectionOf(connect(provider).call('unary'));
    expect(error).toMatchObject({ code: status.UNAUTHENTICATED, details: expect.stringContaining('closed') });
  });
});
