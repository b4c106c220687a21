/**
 * Kafka with the token, by SASL OAUTHBEARER. kafkajs asks for the token at each new connection, and again before the broker ends
 * the session (`connections.max.reauth.ms`, or the expiry of the token if that is sooner).
 *
 * Run: npx tsx examples/kafkajs.ts
 * Environment: TOKEN_PATH (default /var/run/secrets/tokens), TOKEN_AUDIENCE, KAFKA_BROKERS (separated by commas);
 * NODE_EXTRA_CA_CERTS for a CA of your own
 */
import { setTimeout as pause } from 'node:timers/promises';
import { Kafka, logLevel } from 'kafkajs';
import { BoundToken, ProjectedTokenProvider } from 'projected-token';

const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());

const provider = await ProjectedTokenProvider.open({
  path: process.env.TOKEN_PATH,
  audience: process.env.TOKEN_AUDIENCE,
});
provider.on('rotated', ({ current }) => console.log(`Rotated: token ${current.fingerprint}`));

const kafka = new Kafka({
  clientId: 'shop',
  brokers: (process.env.KAFKA_BROKERS ?? 'kafka.internal:9093').split(','),
  ssl: true,
  sasl: {
    mechanism: 'oauthbearer',
    oauthBearerProvider: async () => {
      const value = await provider.getToken();
      console.log(`Signing in with token ${BoundToken.parse(value).fingerprint}`);
      return { value };
    },
  },
  logLevel: logLevel.ERROR,
});
const producer = kafka.producer();
await producer.connect();

while (!stop.signal.aborted) {
  try {
    await producer.send({ topic: 'orders', messages: [{ value: '{"item":"book"}' }] });
    console.log('Sent an order');
  } catch (error) {
    console.error((error as Error).message);
  }
  await pause(250, undefined, { signal: stop.signal }).catch(() => {});
}

await producer.disconnect();
await provider.close();
