import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { fromProjectedToken } from 'projected-token/aws';
import { EmbeddedAwsSts } from 'projected-token/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createTestCluster, rejectionOf, SettableSource, type TestCluster } from '../helpers/federation.js';

const DOWN = { code: 'ServiceUnavailable', message: 'down', status: 503 };
// The longest pause, so that no test depends on chance.
const LONGEST = 0.999_999;

let cluster: TestCluster;
let sts: EmbeddedAwsSts;
let source: SettableSource;
let client: STSClient;
const warn = vi.fn();

beforeEach(async () => {
  cluster = await createTestCluster();
  sts = await EmbeddedAwsSts.start({ trust: cluster });
  source = new SettableSource(await cluster.mint({ audience: 'sts.amazonaws.com' }));
  warn.mockReset();
  vi.stubEnv('AWS_ENDPOINT_URL_STS', sts.origin);
  vi.stubEnv('AWS_MAX_ATTEMPTS', '1');
  client = new STSClient({
    region: 'eu-central-1',
    credentials: fromProjectedToken({
      source,
      roleArn: 'arn:aws:iam::123456789012:role/app',
      durationSeconds: 900,
      logger: { debug() {}, info() {}, error() {}, warn },
    }),
  });
  vi.useFakeTimers({ toFake: ['Date', 'performance'], now: Date.now() });
  vi.spyOn(Math, 'random').mockReturnValue(LONGEST);
});

afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  vi.useRealTimers();
  client.destroy();
  await sts.close();
});

/** How long an exchange may take: the callers above did not wait for its end. */
const EXCHANGE_TIMEOUT_SECONDS = 30;

const call = () => client.send(new GetCallerIdentityCommand({}));
const pass = (seconds: number) => vi.advanceTimersByTime(seconds * 1000);
const outcomes = () => sts.exchanges.map(({ outcome }) => outcome);

describe('fromProjectedToken while no new credentials can be had', () => {
  it('gives the last credentials until they expire, and leaves STS alone between attempts', async () => {
    await call();
    pass(700); // the SDK asks from 600 s on
    sts.failNext(DOWN);
    await call();
    await call();
    await call();
    expect(outcomes()).toEqual(['granted', 'ServiceUnavailable']);
    expect(sts.callerIdentityRequests).toBe(4);
    expect(warn).toHaveBeenCalledOnce();
    expect(warn.mock.calls[0]![1]).toMatchObject({ name: 'ServiceUnavailable' });
  });

  it('pauses longer after each failure, and takes new credentials as soon as there are some', async () => {
    await call();
    pass(700);
    sts.failNext(DOWN, DOWN);
    await call(); // a pause of up to 1 s
    pass(20);
    await call(); // a pause of up to 5 s
    pass(4);
    await call();
    expect(outcomes()).toEqual(['granted', 'ServiceUnavailable', 'ServiceUnavailable']);
    pass(1);
    await call();
    pass(500);
    await call();
    expect(outcomes()).toEqual(['granted', 'ServiceUnavailable', 'ServiceUnavailable', 'granted']);
    pass(300);
    sts.failNext(DOWN);
    await call(); // a pause of up to 1 s again
    pass(1);
    await call();
    expect(outcomes().slice(4)).toEqual(['ServiceUnavailable', 'granted']);
  });

  it('fails with the error of the SDK once they expired, also within a pause', async () => {
    await call();
    pass(898);
    sts.failNext(DOWN, DOWN, DOWN);
    await call(); // a pause of up to 1 s
    pass(1);
    await call(); // a pause of up to 1 s
    pass(1);
    expect((await rejectionOf(call())).name).toBe('ServiceUnavailable');
  });

  it('gives the last credentials to a terminating pod, whose token is not replaced any more', async () => {
    await call();
    pass(700);
    vi.spyOn(source, 'getToken').mockRejectedValue(new Error('expired'));
    await call();
    pass(300);
    expect((await rejectionOf(call())).message).toBe('expired');
    expect(outcomes()).toEqual(['granted']);
  });

  it('gives the last credentials while STS accepts the request and does not answer', async () => {
    await call();
    pass(700);
    const silent = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    vi.stubEnv('AWS_ENDPOINT_URL_STS', `http://127.0.0.1:${(silent.address() as AddressInfo).port}`);
    const startedAt = process.hrtime.bigint();
    await Promise.all([call(), call(), call()]);
    expect(Number(process.hrtime.bigint() - startedAt) / 1e9).toBeLessThan(EXCHANGE_TIMEOUT_SECONDS);
    expect(sts.callerIdentityRequests).toBe(4);
    silent.closeAllConnections();
    await new Promise((resolve) => silent.close(resolve));
  });
});
