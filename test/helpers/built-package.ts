import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Root of this repository. */
export const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));

const SOURCES = ['src', 'package.json', 'README.md', 'LICENSE', 'build', 'tsup.config.ts', 'tsconfig.json'];

/** The package as it would be published. */
export interface BuiltPackage {
  /** Directory with package.json and dist. */
  readonly directory: string;
  /** What `npm pack` makes of it. */
  readonly tarball: string;
}

/**
 * Builds and packs the package from its sources as they are now. A build is kept and used again for as long as the
 * sources stay the same: by other test files, and by the next run.
 */
export async function builtPackage(): Promise<BuiltPackage> {
  const builds = join(REPOSITORY, '.cache', 'package');
  const directory = join(builds, await digestOfSources());
  const { name, version } = JSON.parse(await readFile(join(REPOSITORY, 'package.json'), 'utf8'));
  const built = { directory, tarball: join(directory, `${name}-${version}.tgz`) };
  if (await exists(directory)) return built;

  await mkdir(builds, { recursive: true });
  const staging = await mkdtemp(join(builds, 'staging-'));
  try {
    await buildInto(staging);
    // Another process may have been first; its build is as good.
    await rename(staging, directory).catch(async (error) => {
      if (!(await exists(directory))) throw error;
    });
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
  return built;
}

async function buildInto(directory: string): Promise<void> {
  const tsup = join(REPOSITORY, 'node_modules', 'tsup', 'dist', 'cli-default.js');
  const dist = join(directory, 'dist');
  await run(process.execPath, [tsup, '--silent', '--out-dir', dist], { cwd: REPOSITORY });
  await run(process.execPath, ['--import', 'tsx', 'build/main.ts', dist], { cwd: REPOSITORY });
  for (const file of ['package.json', 'README.md', 'LICENSE']) {
    await copyFile(join(REPOSITORY, file), join(directory, file));
  }
  await run('npm', ['pack', '--ignore-scripts', '--silent'], { cwd: directory });
}

async function digestOfSources(): Promise<string> {
  const hash = createHash('sha256');
  for (const source of SOURCES) await digest(join(REPOSITORY, source), hash);
  return hash.digest('hex').slice(0, 16);
}

async function digest(path: string, hash: ReturnType<typeof createHash>): Promise<void> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => undefined);
  if (entries === undefined) {
    hash.update(`${path}\0`).update(await readFile(path));
    return;
  }
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) await digest(join(path, entry.name), hash);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
