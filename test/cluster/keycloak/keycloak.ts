import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { access, chmod, mkdir, mkdtemp, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Any version from 26.5 on has the features; this one was published by Maven when the scenarios were written. */
export const KEYCLOAK_VERSION = process.env.KEYCLOAK_VERSION ?? '26.7.3';

const CACHE = fileURLToPath(new URL('../../../.cache/cluster', import.meta.url));
const HOME = join(CACHE, `keycloak-${KEYCLOAK_VERSION}`);
const FEATURES = 'client-auth-federated,kubernetes-service-accounts,jwt-authorization-grant,token-exchange-standard';

/** A minute on an idle machine; on busy cores its first start, in which it builds itself, takes many. */
const START_TIMEOUT_MS = 12 * 60_000;

/** What the machine lacks for it, or undefined: Java 17 or newer, Maven, and Python to unpack an archive. */
export async function missingForKeycloak(): Promise<string | undefined> {
  for (const [command, ...args] of [
    ['java', '-version'],
    ['mvn', '-version'],
    ['python3', '--version'],
  ] as const) {
    if (
      !(await run(command, args).then(
        () => true,
        () => false,
      ))
    )
      return command;
  }
  return undefined;
}

/** A real Keycloak, a process of its own on loopback, with a database in memory. */
export class Keycloak implements AsyncDisposable {
  #admin: string | undefined;

  private constructor(
    readonly origin: string,
    private readonly process: ChildProcess,
    private readonly password: string,
    private readonly directory: string,
  ) {}

  /**
   * Installs it where it is not in the cache yet, starts it, and resolves once it answers.
   *
   * @param trusted - CA certificates, in PEM, of the servers that it asks for keys
   */
  static async start(trusted: string): Promise<Keycloak> {
    await install();
    const directory = await mkdtemp(join(tmpdir(), 'keycloak-'));
    await writeFile(join(directory, 'ca.pem'), trusted);
    const [port, managementPort] = [await freePort(), await freePort()];
    const password = randomBytes(18).toString('base64url');
    const log = await open(join(directory, 'log'), 'w');
    const flags = [
      '--http-host=127.0.0.1',
      `--http-port=${port}`,
      `--http-management-port=${managementPort}`,
      '--db=dev-mem',
    ];
    const child = spawn(
      join(HOME, 'bin', 'kc.sh'),
      ['start-dev', ...flags, `--features=${FEATURES}`, `--truststore-paths=${directory}/ca.pem`],
      {
        // A group of its own: the script starts Java as its child.
        detached: true,
        stdio: ['ignore', log.fd, log.fd],
        env: {
          ...process.env,
          KC_BOOTSTRAP_ADMIN_USERNAME: 'admin',
          KC_BOOTSTRAP_ADMIN_PASSWORD: password,
          JAVA_OPTS_APPEND: '-Xmx700m',
        },
      },
    );
    await log.close();
    const keycloak = new Keycloak(`http://127.0.0.1:${port}`, child, password, directory);
    await keycloak.#untilReady();
    return keycloak;
  }

  /** Stands still, as a process whose node is overloaded does: connections are taken, and nothing is answered. */
  freeze(): void {
    this.#signal('SIGSTOP');
  }

  thaw(): void {
    this.#signal('SIGCONT');
  }

  /** Creates a realm; resolves with its issuer. */
  async addRealm(name: string): Promise<string> {
    await this.create('', { realm: name, enabled: true, accessTokenLifespan: 300 });
    return `${this.origin}/realms/${name}`;
  }

  /** Creates something below `/admin/realms`, such as a client. */
  async create(path: string, body: object): Promise<void> {
    const ask = async () => {
      this.#admin ??= await this.#logIn();
      return fetch(`${this.origin}/admin/realms${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${this.#admin}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    };
    let response = await ask();
    if (response.status === 401) {
      this.#admin = undefined;
      response = await ask();
    }
    if (!response.ok) throw new Error(`Keycloak answers ${response.status} to ${path}: ${await response.text()}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      const exit = once(this.process, 'exit');
      this.#signal('SIGKILL');
      await exit;
    }
    await rm(this.directory, { recursive: true, force: true });
  }

  #signal(signal: NodeJS.Signals): void {
    process.kill(-this.process.pid!, signal);
  }

  async #logIn(): Promise<string> {
    const response = await fetch(`${this.origin}/realms/master/protocol/openid-connect/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'password',
        client_id: 'admin-cli',
        username: 'admin',
        password: this.password,
      }),
    });
    return ((await response.json()) as { access_token: string }).access_token;
  }

  async #untilReady(): Promise<void> {
    const begun = performance.now();
    const isReady = () =>
      fetch(`${this.origin}/realms/master`).then(
        ({ ok }) => ok,
        () => false,
      );
    while (!(await isReady())) {
      if (this.process.exitCode !== null || performance.now() - begun > START_TIMEOUT_MS) {
        const log = await readFile(join(this.directory, 'log'), 'utf8');
        await this[Symbol.asyncDispose]();
        throw new Error(`Keycloak does not start:\n${log.slice(-3000)}`);
      }
      await pause(250);
    }
  }
}

async function install(): Promise<void> {
  if (
    await access(HOME).then(
      () => true,
      () => false,
    )
  )
    return;
  const download = join(CACHE, 'keycloak-download');
  await rm(download, { recursive: true, force: true });
  await mkdir(download, { recursive: true });
  const artifact = `org.keycloak:keycloak-quarkus-dist:${KEYCLOAK_VERSION}:zip`;
  await run('mvn', ['-q', '-B', 'dependency:copy', `-Dartifact=${artifact}`, `-DoutputDirectory=${download}`], {
    cwd: CACHE,
  });
  const archive = `keycloak-quarkus-dist-${KEYCLOAK_VERSION}.zip`;
  await run('python3', ['-m', 'zipfile', '-e', archive, '.'], { cwd: download });
  const unpacked = join(download, `keycloak-${KEYCLOAK_VERSION}`);
  await chmod(join(unpacked, 'bin', 'kc.sh'), 0o755);
  // At once, so that an installation that was interrupted is never taken for one that ended.
  await rename(unpacked, HOME);
  await rm(download, { recursive: true });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
