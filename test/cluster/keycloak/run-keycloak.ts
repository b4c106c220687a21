import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { MissingTool } from '../prepare.js';
import { KEYCLOAK_VERSION, missingForKeycloak } from './keycloak.js';

/**
 * Runs OAuthTokenProvider against a real Keycloak, which it installs first where it is not in .cache/cluster. Resolves with the exit code.
 *
 * @throws {@link MissingTool}
 */
export async function runKeycloak(filters: readonly string[], print: (line: string) => void): Promise<number> {
  const missing = await missingForKeycloak();
  if (missing !== undefined) {
    throw new MissingTool(
      `${missing} is missing: Keycloak needs Java 17 or newer, and is installed by Maven and Python.`,
    );
  }
  print(`Keycloak ${KEYCLOAK_VERSION}; its first start takes a minute or two.`);
  const vitest = fileURLToPath(new URL('../../../node_modules/vitest/vitest.mjs', import.meta.url));
  const args = [vitest, 'run', '--config', 'test/cluster/keycloak/vitest.config.ts', ...filters];
  const cwd = fileURLToPath(new URL('../../..', import.meta.url));
  const child = spawn(process.execPath, args, { cwd, stdio: 'inherit' });
  // Ctrl-C goes to both; the run ends its server, and this one waits for it.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  const [code] = await once(child, 'exit');
  return code ?? 1;
}
