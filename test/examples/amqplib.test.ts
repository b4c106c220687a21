import { tmpdir } from 'node:os';
import { BoundToken } from 'projected-token';
import { TokenVolume } from 'projected-token/testing';
import { describe, expect, it } from 'vitest';
import { startApiServer } from '../helpers/api-server.js';
import { ExampleService } from '../helpers/example-process.js';
import { RABBITMQ, RabbitMqServer } from '../helpers/rabbitmq-server.js';

// Says in the report why it is skipped.
const suite = RABBITMQ === undefined ? describe.skip : describe;
const name =
  RABBITMQ === undefined ? 'amqplib (skipped: RabbitMQ is not installed)' : 'amqplib, against a real RabbitMQ';

const USER = 'system:serviceaccount:shop:app';

// RabbitMQ takes 10 s and more to start.
suite(name, { timeout: 120_000 }, () => {
  it('signs in with the token, and hands over the next one without another connection', async () => {
    const cluster = await startApiServer({ anonymousDiscovery: true });
    await using server = await RabbitMqServer.start({
      jwksUrl: `${cluster.origin}/openid/v1/jwks`,
      resourceServerId: 'rabbitmq',
      scopes: { [USER]: ['rabbitmq.configure:*/orders', 'rabbitmq.write:*/amq.default'] },
    });
    const mint = async () => (await cluster.createToken('shop', 'app', { audiences: ['rabbitmq'] })).token;
    const [first, second] = [await mint(), await mint()];
    using volume = TokenVolume.temporary(tmpdir(), { fileName: 'token' });
    volume.write(first);

    await using service = await ExampleService.start(
      'amqplib',
      {
        TOKEN_PATH: volume.path,
        TOKEN_AUDIENCE: 'rabbitmq',
        AMQP_URL: server.url,
        NODE_EXTRA_CA_CERTS: server.caFile,
      },
      /^Sent an order$/m,
    );
    volume.write(second);
    const rotated = `RabbitMQ has token ${BoundToken.parse(second).fingerprint}\nSent an order\n`;
    await expect.poll(() => service.output, { timeout: 20_000 }).toContain(rotated);
    expect(await service.stop()).toBe(0);
    // Nothing else was printed: no refusal, and no lost connection.
    expect(service.output.replaceAll('Sent an order\n', '')).toBe(`${rotated.split('\n')[0]}\n`);

    const log = await server.log();
    expect(log.match(/accepting AMQP connection/g)).toHaveLength(1);
    expect(log).toContain(`user '${USER}' authenticated and granted access`);
    expect(log).toContain(`user '${USER}' updated secret, reason: token rotated`);
    for (const token of [first, second]) expect((log + service.output).includes(token.split('.')[2]!)).toBe(false);
    await cluster.close();
  });
});
