import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { builtPackage, REPOSITORY } from './built-package.js';

/** What a program wrote, and how it ended. */
export interface ProgramOutput {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** An empty project outside of this repository, into which the packed package was installed as any user would. */
export class InstalledProject {
  private constructor(readonly directory: string) {}

  /** @param type - the module system of its `.js` files */
  static async create(type: 'module' | 'commonjs'): Promise<InstalledProject> {
    const { tarball } = await builtPackage();
    // The real path, as module URLs show it.
    const project = new InstalledProject(await realpath(await mkdtemp(join(tmpdir(), 'projected-token-project-'))));
    await project.write('package.json', JSON.stringify({ name: 'consumer', private: true, type }));
    const { exitCode, stderr } = await project.run('npm', ['install', '--prefer-offline', '--omit=peer', tarball]);
    if (exitCode !== 0) throw new Error(`npm install failed:\n${stderr}`);
    return project;
  }

  /** Makes packages of this repository's own installation available, without another download. */
  async link(...packages: readonly string[]): Promise<void> {
    for (const name of packages) {
      const target = join(this.directory, 'node_modules', name);
      await mkdir(dirname(target), { recursive: true });
      await symlink(join(REPOSITORY, 'node_modules', name), target);
    }
  }

  async write(file: string, content: string): Promise<void> {
    await writeFile(join(this.directory, file), content);
  }

  /** Writes a program into the project and runs it; `cjs` and `mjs` decide its module system. */
  async program(extension: 'cjs' | 'mjs', source: string, nodeOptions: readonly string[] = []): Promise<ProgramOutput> {
    const file = `program-${++this.#programs}.${extension}`;
    await this.write(file, source);
    return this.run(process.execPath, [...nodeOptions, file]);
  }
  #programs = 0;

  run(command: string, args: readonly string[]): Promise<ProgramOutput> {
    return new Promise((resolve) => {
      const options = { cwd: this.directory, env: plainEnvironment() };
      execFile(command, [...args], options, (error, stdout, stderr) =>
        resolve({ exitCode: error === null ? 0 : Number(error.code ?? 1), stdout, stderr }),
      );
    });
  }

  remove(): Promise<void> {
    return rm(this.directory, { recursive: true });
  }
}

/** The package.json of this repository. */
export async function packageManifest(): Promise<{
  version: string;
  exports: Record<string, unknown>;
  peerDependencies: Record<string, string>;
  peerDependenciesMeta: Record<string, { optional?: boolean }>;
}> {
  return JSON.parse(await readFile(join(REPOSITORY, 'package.json'), 'utf8'));
}

// Of `npm test` and the test runner nothing must reach a program that stands for a user's.
function plainEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(npm_|VITEST|NODE_|FORCE_COLOR|TEST$)/.test(name));
  return Object.fromEntries(kept);
}
