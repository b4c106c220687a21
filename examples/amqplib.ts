/**
 * RabbitMQ with the token as password, checked by its OAuth 2.0 plugin. RabbitMQ refuses what a connection does once its token has
 * expired, so the connection is given each new token (`updateSecret`), and a new connection starts with the token of that moment.
 *
 * Run: npx tsx examples/amqplib.ts
 * Environment: TOKEN_PATH (default /var/run/secrets/tokens), TOKEN_AUDIENCE (the resource_server_id of RabbitMQ), AMQP_URL;
 * NODE_EXTRA_CA_CERTS for a CA of your own
 */
import { setTimeout as pause } from 'node:timers/promises';
import { type ConfirmChannel, connect } from 'amqplib';
import { ProjectedTokenProvider } from 'projected-token';

const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());

const provider = await ProjectedTokenProvider.open({
  path: process.env.TOKEN_PATH,
  audience: process.env.TOKEN_AUDIENCE,
});

const connection = await connect(process.env.AMQP_URL ?? 'amqps://rabbitmq.internal', {
  credentials: {
    mechanism: 'PLAIN',
    // Called at each attempt to connect. No user name: RabbitMQ takes it from the token.
    response: () => Buffer.from(`\0\0${provider.peekToken() ?? ''}`),
  },
  recovery: true,
});
connection.on('error', (error) => console.error(error.message));
connection.on('connect-failed', (error) => console.error(error.message));

provider.on('rotated', async ({ current }) => {
  try {
    await connection.updateSecret(Buffer.from(current.value), 'token rotated');
    console.log(`RabbitMQ has token ${current.fingerprint}`);
  } catch (error) {
    console.error((error as Error).message);
  }
});

let channel: ConfirmChannel | undefined;
async function openChannel(): Promise<ConfirmChannel> {
  const opened = await connection.createConfirmChannel();
  opened.on('error', (error: Error) => console.error(error.message));
  opened.once('close', () => {
    channel = undefined;
  });
  await opened.assertQueue('orders');
  return opened;
}

while (!stop.signal.aborted) {
  try {
    channel ??= await openChannel();
    channel.sendToQueue('orders', Buffer.from('{"item":"book"}'));
    await channel.waitForConfirms();
    console.log('Sent an order');
  } catch (error) {
    console.error((error as Error).message);
  }
  await pause(250, undefined, { signal: stop.signal }).catch(() => {});
}

await connection.close();
await provider.close();
