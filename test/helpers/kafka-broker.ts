import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Kafka, logLevel } from 'kafkajs';
import { createLoopbackCertificate } from '../../src/testing/loopback-certificate.js';
import { freePort, PartProcess } from '../cluster/harness/part-process.js';
import { RunDirectory } from '../cluster/harness/run-directory.js';
import { REPOSITORY } from './built-package.js';

/** Directory with its jars; undefined where it is not installed (.ci/recipes installs it). */
export const KAFKA = findJars(join(REPOSITORY, '.cache'));

/** Whom a {@link KafkaBroker} lets in. */
export interface KafkaTrust {
  /** Address of the key set. */
  readonly jwksUrl: string;
  readonly issuer: string;
  readonly audience: string;
  /** Who may write to the topic `orders`. */
  readonly subject: string;
  /** How long a session lasts before the client has to show a token again, in milliseconds. */
  readonly sessionMs: number;
}

// What makes it start fast matters more than how fast it is then.
const JAVA_OPTIONS = ['-Xmx256m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'];

/** A real Apache Kafka of one node over TLS, which checks the signature and the claims of tokens. */
export class KafkaBroker implements AsyncDisposable {
  private constructor(
    readonly address: string,
    /** The CA certificate that clients have to trust, in PEM, in a file. */
    readonly caFile: string,
    private readonly directory: RunDirectory,
    private readonly process: PartProcess,
  ) {}

  /** Resolves when it listens and has the topic `orders`. */
  static async start(trust: KafkaTrust): Promise<KafkaBroker> {
    const directory = await RunDirectory.create();
    const [port, internalPort, controllerPort] = [await freePort(), await freePort(), await freePort()];
    const { key, cert } = createLoopbackCertificate();
    await writeFile(directory.join('ca.crt'), cert);
    await writeFile(directory.join('server.pem'), key + cert);
    const settings = {
      ...settingsOf(trust),
      listeners: `CLIENT://127.0.0.1:${port},INTERNAL://127.0.0.1:${internalPort},CONTROLLER://127.0.0.1:${controllerPort}`,
      'advertised.listeners': `CLIENT://localhost:${port},INTERNAL://127.0.0.1:${internalPort}`,
      'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
      'ssl.keystore.type': 'PEM',
      'ssl.keystore.location': directory.join('server.pem'),
      'log.dirs': directory.join('data'),
    };
    const file = directory.join('server.properties');
    await writeFile(
      file,
      Object.entries(settings)
        .map(([name, value]) => `${name}=${value}\n`)
        .join(''),
    );
    const java = [
      ...JAVA_OPTIONS,
      '-cp',
      `${KAFKA}/*`,
      `-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=${trust.jwksUrl}`,
    ];
    const id = randomBytes(16).toString('base64url');
    await promisify(execFile)('java', [...java, 'kafka.tools.StorageTool', 'format', '-t', id, '-c', file]);
    const process = new PartProcess('Kafka', 'java', [...java, 'kafka.Kafka', file], directory.path);
    await process.untilReady(() => createTopic(`127.0.0.1:${internalPort}`));
    return new KafkaBroker(`localhost:${port}`, directory.join('ca.crt'), directory, process);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process.kill();
    await this.directory[Symbol.asyncDispose]();
  }
}

function settingsOf({ jwksUrl, issuer, audience, subject, sessionMs }: KafkaTrust): Record<string, string | number> {
  const mechanism = 'listener.name.client.oauthbearer';
  const security = 'org.apache.kafka.common.security.oauthbearer';
  return {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'INTERNAL',
    'listener.security.protocol.map': 'CLIENT:SASL_SSL,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'listener.name.client.sasl.enabled.mechanisms': 'OAUTHBEARER',
    [`${mechanism}.sasl.jaas.config`]: `${security}.OAuthBearerLoginModule required;`,
    [`${mechanism}.sasl.server.callback.handler.class`]: `${security}.OAuthBearerValidatorCallbackHandler`,
    'listener.name.client.oauthbearer.connections.max.reauth.ms': sessionMs,
    'sasl.oauthbearer.jwks.endpoint.url': jwksUrl,
    'sasl.oauthbearer.expected.issuer': issuer,
    'sasl.oauthbearer.expected.audience': audience,
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    // The internal listener knows nobody by name.
    'super.users': `User:ANONYMOUS;User:${subject}`,
    'offsets.topic.replication.factor': 1,
  };
}

async function createTopic(broker: string): Promise<boolean> {
  const admin = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING, retry: { retries: 0 } }).admin();
  try {
    await admin.connect();
    await admin.createTopics({ topics: [{ topic: 'orders' }], waitForLeaders: true });
    return true;
  } finally {
    await admin.disconnect();
  }
}

function findJars(cache: string): string | undefined {
  if (!existsSync(cache)) return undefined;
  const name = readdirSync(cache).find((entry) => /^kafka-[\d.]+$/.test(entry));
  return name && join(cache, name);
}
