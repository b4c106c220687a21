import { execFile } from 'node:child_process';
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Cluster } from './cluster.js';
import { PROGRAMS } from './programs.js';
import { RunDirectory } from './run-directory.js';

const run = promisify(execFile);
const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url));
const SOURCES = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url));

/**
 * A shell in which the commands of a guide are run as they stand there: kubectl as administrator of a cluster, OpenBao's command line
 * under the name `vault`, and `projected-token`.
 */
export class GuideShell implements AsyncDisposable {
  private constructor(
    private readonly directory: RunDirectory,
    private readonly environment: Readonly<Record<string, string>>,
  ) {}

  /** @param environment - in addition, such as `VAULT_ADDR` */
  static async start(cluster: Cluster, environment: Readonly<Record<string, string>> = {}): Promise<GuideShell> {
    const directory = await RunDirectory.create();
    const programs = directory.join('bin');
    await mkdir(programs);
    await symlink(PROGRAMS.kubectl, `${programs}/kubectl`);
    await symlink(PROGRAMS.bao, `${programs}/vault`);
    const commandLine = `#!/bin/sh\nexec ${process.execPath} --import=${REPOSITORY}/node_modules/tsx/dist/loader.mjs ${SOURCES} "$@"\n`;
    await writeFile(`${programs}/projected-token`, commandLine);
    await chmod(`${programs}/projected-token`, 0o755);
    await mkdir(directory.join('work'));
    const kubeConfig = directory.join('kube-config');
    await writeFile(kubeConfig, JSON.stringify(kubeConfigOf(cluster)), { mode: 0o600 });
    return new GuideShell(directory, {
      PATH: `${programs}:${process.env.PATH}`,
      HOME: directory.path,
      KUBECONFIG: kubeConfig,
      ...environment,
    });
  }

  /** A file of the directory in which the commands run. */
  file(name: string): string {
    return this.directory.join('work', name);
  }

  /**
   * Runs commands; rejects at the first that fails.
   *
   * @param places - texts of the guide, and what takes their place here, such as an address
   * @returns what they print
   */
  async run(commands: string, places: Readonly<Record<string, string>> = {}): Promise<string> {
    const script = Object.entries(places).reduce((text, [there, here]) => text.replaceAll(there, here), commands);
    const options = { cwd: this.directory.join('work'), env: this.environment };
    return (await run('bash', ['-euo', 'pipefail', '-c', script], options)).stdout;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.directory[Symbol.asyncDispose]();
  }
}

function kubeConfigOf({ origin, ca, apiServer }: Cluster): object {
  return {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'admin' } }],
    clusters: [
      { name: 'test', cluster: { server: origin, 'certificate-authority-data': Buffer.from(ca).toString('base64') } },
    ],
    users: [{ name: 'admin', user: { token: apiServer.tokenOf('admin') } }],
  };
}
