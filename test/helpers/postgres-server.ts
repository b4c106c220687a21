import { execFile, execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { chown, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { createLoopbackCertificate } from '../../src/testing/loopback-certificate.js';
import { freePort, PartProcess } from '../cluster/harness/part-process.js';
import { RunDirectory } from '../cluster/harness/run-directory.js';

/** Where the newest PostgreSQL has its programs; undefined where none is installed (Debian: postgresql). */
export const POSTGRES = newestOf('/usr/lib/postgresql');

/** A real PostgreSQL with TLS, with a cluster of its own. Passwords are sent to it as they are, as to one that checks tokens. */
export class PostgresServer implements AsyncDisposable {
  private constructor(
    readonly port: number,
    /** The CA certificate that clients have to trust, in PEM, in a file. */
    readonly caFile: string,
    private readonly directory: RunDirectory,
    private readonly process: PartProcess,
  ) {}

  static async start(): Promise<PostgresServer> {
    const directory = await RunDirectory.create();
    const owner = ownerOf();
    const data = directory.join('data');
    await chown(directory.path, owner.uid, owner.gid);
    const options = ['-D', data, '--username=postgres', '--auth=trust', '--no-sync', '--no-instructions'];
    await promisify(execFile)(join(POSTGRES!, 'initdb'), options, { ...owner, cwd: directory.path });

    const { key, cert } = createLoopbackCertificate();
    const files = {
      'server.key': key,
      'server.crt': cert,
      'pg_hba.conf': 'local all postgres trust\nhostssl all all 127.0.0.1/32 password\n',
    };
    for (const [name, content] of Object.entries(files)) {
      await writeFile(join(data, name), content, { mode: 0o600 });
      await chown(join(data, name), owner.uid, owner.gid);
    }
    const port = await freePort();
    const settings = {
      listen_addresses: '127.0.0.1',
      port,
      unix_socket_directories: directory.path,
      ssl: 'on',
      fsync: 'off',
    };
    const process = new PartProcess(
      'PostgreSQL',
      'setpriv',
      [
        ...[`--reuid=${owner.uid}`, `--regid=${owner.gid}`, '--clear-groups', '--pdeathsig=KILL'],
        ...[join(POSTGRES!, 'postgres'), '-D', data],
        ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
      ],
      directory.path,
    );
    const server = new PostgresServer(port, join(data, 'server.crt'), directory, process);
    await process.untilReady(async () => (await server.administer('SELECT 1')).length === 1);
    return server;
  }

  /** Runs a statement as the administrator, over the socket of the machine, that needs no password. */
  async administer(statement: string): Promise<Record<string, unknown>[]> {
    const client = new pg.Client({
      host: this.directory.path,
      port: this.port,
      user: 'postgres',
      database: 'postgres',
    });
    await client.connect();
    try {
      return (await client.query(statement)).rows;
    } finally {
      await client.end();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // SIGINT: it does not wait for its clients.
    this.process.signal('SIGINT');
    await this.process.stop();
    await this.directory[Symbol.asyncDispose]();
  }
}

function newestOf(directory: string): string | undefined {
  if (!existsSync(directory)) return undefined;
  const versions = readdirSync(directory).sort((one, other) => Number(other) - Number(one));
  return versions.map((version) => join(directory, version, 'bin')).find((bin) => existsSync(join(bin, 'initdb')));
}

/** Who runs it: this user, or, since PostgreSQL refuses to be run by root, the user that its package creates. */
function ownerOf(): { uid: number; gid: number } {
  const id = (option: string) => Number(execFileSync('id', [option, 'postgres'], { encoding: 'utf8' }));
  const [uid, gid] = [process.getuid!(), process.getgid!()];
  return uid === 0 ? { uid: id('-u'), gid: id('-g') } : { uid, gid };
}
