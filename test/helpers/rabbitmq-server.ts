import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createLoopbackCertificate } from '../../src/testing/loopback-certificate.js';
import { freePort, PartProcess } from '../cluster/harness/part-process.js';
import { RunDirectory } from '../cluster/harness/run-directory.js';

/** Its own start script; undefined where it is not installed (Debian: rabbitmq-server). */
export const RABBITMQ = findServer('/usr/lib/rabbitmq/lib');

/** Whom a {@link RabbitMqServer} lets in. */
export interface RabbitMqTrust {
  /** Address of the key set. Erlang accepts no server whose certificate is its own CA, so the test leaves that check out. */
  readonly jwksUrl: string;
  /** The audience. */
  readonly resourceServerId: string;
  /** Scopes of RabbitMQ by the subject of a token: tokens of service accounts have no claim `scope`. */
  readonly scopes: Readonly<Record<string, readonly string[]>>;
}

/** A real RabbitMQ over TLS, which checks tokens with its OAuth 2.0 plugin and knows no passwords. */
export class RabbitMqServer implements AsyncDisposable {
  private constructor(
    private readonly port: number,
    /** The CA certificate that clients have to trust, in PEM, in a file. */
    readonly caFile: string,
    private readonly directory: RunDirectory,
    private readonly parts: readonly PartProcess[],
  ) {}

  static async start(trust: RabbitMqTrust): Promise<RabbitMqServer> {
    const directory = await RunDirectory.create();
    const { key, cert } = createLoopbackCertificate();
    const [port, distributionPort, mapperPort] = [await freePort(), await freePort(), await freePort()];
    const files = {
      'server.key': key,
      'server.crt': cert,
      enabled_plugins: '[rabbitmq_auth_backend_oauth2].\n',
      'rabbitmq.conf': configuration(port, directory.path, trust),
      'advanced.config': aliases(trust.scopes),
    };
    for (const [name, content] of Object.entries(files)) await writeFile(directory.join(name), content);
    const environment = {
      HOME: directory.path,
      // The script becomes the server, rather than its parent.
      RUNNING_UNDER_SYSTEMD: 'true',
      ERL_EPMD_ADDRESS: '127.0.0.1',
      ERL_EPMD_PORT: String(mapperPort),
      RABBITMQ_DIST_PORT: String(distributionPort),
      RABBITMQ_NODENAME: 'test@localhost',
      RABBITMQ_MNESIA_BASE: directory.join('data'),
      RABBITMQ_LOGS: '-',
      RABBITMQ_ENABLED_PLUGINS_FILE: directory.join('enabled_plugins'),
      RABBITMQ_CONFIG_FILE: directory.join('rabbitmq.conf'),
      RABBITMQ_ADVANCED_CONFIG_FILE: directory.join('advanced.config'),
    };
    const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
    // Erlang's port mapper: a part of its own, or Erlang starts one that stays.
    const mapper = new PartProcess('epmd', 'env', [...variables, 'epmd'], directory.path);
    await mapper.untilReady(() => answers(mapperPort));
    const broker = new PartProcess('RabbitMQ', 'env', [...variables, RABBITMQ!], directory.path);
    const server = new RabbitMqServer(port, directory.join('server.crt'), directory, [broker, mapper]);
    await broker.untilReady(async () => (await server.log()).includes('Server startup complete'));
    return server;
  }

  get url(): string {
    return `amqps://localhost:${this.port}`;
  }

  /** All that it has logged. */
  log(): Promise<string> {
    return readFile(this.directory.join('log'), 'utf8');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const part of this.parts) await part.stop();
    await this.directory[Symbol.asyncDispose]();
  }
}

function configuration(port: number, directory: string, { jwksUrl, resourceServerId }: RabbitMqTrust): string {
  return `auth_backends.1 = rabbit_auth_backend_oauth2
auth_oauth2.resource_server_id = ${resourceServerId}
auth_oauth2.additional_scopes_key = sub
auth_oauth2.jwks_url = ${jwksUrl}
auth_oauth2.https.peer_verification = verify_none
listeners.tcp = none
listeners.ssl.1 = 127.0.0.1:${port}
ssl_options.certfile = ${directory}/server.crt
ssl_options.keyfile = ${directory}/server.key
log.console = true
log.console.level = info
`;
}

/** Which scopes of RabbitMQ stand behind which subject: only the older of its two formats has a word for it. */
function aliases(scopes: RabbitMqTrust['scopes']): string {
  const text = (value: string) => `<<"${value}">>`;
  const entries = Object.entries(scopes).map(([subject, list]) => `${text(subject)} => [${list.map(text).join(', ')}]`);
  return `[{rabbitmq_auth_backend_oauth2, [{scope_aliases, #{${entries.join(', ')}}}]}].\n`;
}

function findServer(directory: string): string | undefined {
  if (!existsSync(directory)) return undefined;
  return readdirSync(directory)
    .map((version) => join(directory, version, 'sbin', 'rabbitmq-server'))
    .find(existsSync);
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } finally {
    socket.destroy();
  }
}
