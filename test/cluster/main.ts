// Runs the scenarios against real servers, which it builds first where they are not in .cache/cluster:
//   npm run cluster
//   npm run cluster -- vault      only the scenarios whose file names hold "vault"
//   npm run cluster -- --long     those as well that wait for what takes Kubernetes minutes
//   npm run cluster -- --prepare  builds and installs only
//   npm run cluster -- --keycloak OAuth at a real Keycloak that trusts a kube-apiserver, instead; needs Java 17 and Maven as well
//   KUBERNETES_VERSION=1.36.0 npm run cluster
import { spawn } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { KUBERNETES_VERSION, OPENBAO_VERSION } from './harness/versions.js';
import { runKeycloak } from './keycloak/run-keycloak.js';
import { MissingTool, prepare } from './prepare.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const REPORT = fileURLToPath(new URL('../../.cache/cluster/report.json', import.meta.url));

const options = process.argv.slice(2);
const filters = options.filter((option) => !['--prepare', '--long', '--keycloak'].includes(option));

try {
  await prepare(print);
  if (options.includes('--keycloak')) process.exitCode = await runKeycloak(filters, print);
  else if (!options.includes('--prepare')) process.exitCode = await runScenarios();
} catch (error) {
  if (!(error instanceof MissingTool)) throw error;
  print(`${error.message} Nothing ran against real servers.`);
  process.exitCode = 1;
}

/** Resolves with the exit code. */
async function runScenarios(): Promise<number> {
  await rm(REPORT, { force: true });
  const vitest = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url));
  const report = ['--reporter=default', '--reporter=json', `--outputFile.json=${REPORT}`];
  const args = [vitest, 'run', '--config', 'test/cluster/vitest.config.ts', ...report, ...filters];
  const env = { ...process.env, ...(options.includes('--long') && { CLUSTER_LONG: '1' }) };
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: 'inherit', env });
  // Ctrl-C goes to both; the run ends its servers, and this one waits for it.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  const code = await new Promise<number>((resolve) => child.once('exit', (status) => resolve(status ?? 1)));
  print(await sum());
  return code;
}

/** What ran, in one line. */
async function sum(): Promise<string> {
  const against = `real servers: kube-apiserver, kubelet and etcd of Kubernetes ${KUBERNETES_VERSION}, OpenBao ${OPENBAO_VERSION}`;
  try {
    const { numPassedTests, numFailedTests } = JSON.parse(await readFile(REPORT, 'utf8'));
    return `${against}: ${numPassedTests} passed, ${numFailedTests} failed`;
  } catch {
    return `${against}: the run did not end`;
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
