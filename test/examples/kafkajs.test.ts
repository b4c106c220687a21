import { tmpdir } from 'node:os';
import { BoundToken } from 'projected-token';
import { TokenVolume } from 'projected-token/testing';
import { describe, expect, it } from 'vitest';
import { startApiServer } from '../helpers/api-server.js';
import { ExampleService } from '../helpers/example-process.js';
import { KAFKA, KafkaBroker } from '../helpers/kafka-broker.js';

// Says in the report why it is skipped.
const suite = KAFKA === undefined ? describe.skip : describe;
const name =
  KAFKA === undefined ? 'kafkajs (skipped: Kafka is not installed, see .ci/recipes)' : 'kafkajs, against a real Kafka';

// Kafka takes 10 s and more to start.
suite(name, { timeout: 120_000 }, () => {
  it('signs in with the token, and with the next one when the session ends', async () => {
    const cluster = await startApiServer({ anonymousDiscovery: true, tls: false });
    await using broker = await KafkaBroker.start({
      jwksUrl: `${cluster.origin}/openid/v1/jwks`,
      issuer: cluster.issuer,
      audience: 'kafka',
      subject: 'system:serviceaccount:shop:app',
      // kafkajs shows a token again 10 s before that.
      sessionMs: 11_000,
    });
    const mint = async () => (await cluster.createToken('shop', 'app', { audiences: ['kafka'] })).token;
    const [first, second] = [await mint(), await mint()];
    const [firstName, secondName] = [first, second].map((token) => BoundToken.parse(token).fingerprint);
    using volume = TokenVolume.temporary(tmpdir(), { fileName: 'token' });
    volume.write(first);

    await using service = await ExampleService.start(
      'kafkajs',
      {
        TOKEN_PATH: volume.path,
        TOKEN_AUDIENCE: 'kafka',
        KAFKA_BROKERS: broker.address,
        NODE_EXTRA_CA_CERTS: broker.caFile,
        // kafkajs sets timers to times that have passed, of which newer lines of Node warn.
        NODE_NO_WARNINGS: '1',
      },
      /^Sent an order$/m,
    );
    volume.write(second);
    const afterwards = `Signing in with token ${secondName}\nSent an order\n`;
    await expect.poll(() => service.output, { timeout: 20_000 }).toContain(afterwards);
    expect(await service.stop()).toBe(0);
    // Nothing was refused.
    const lines = new Set(service.output.trim().split('\n'));
    expect(lines).toEqual(
      new Set([
        `Signing in with token ${firstName}`,
        'Sent an order',
        `Rotated: token ${secondName}`,
        `Signing in with token ${secondName}`,
      ]),
    );
    await cluster.close();
  });
});
