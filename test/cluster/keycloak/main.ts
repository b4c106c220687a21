// Runs OAuthTokenProvider against a real Keycloak, which it installs first where it is not in .cache/cluster:
//   npx tsx test/cluster/keycloak/main.ts                 fed by kube-apiserver (npm run cluster -- --prepare builds it), and by the stand-in
//   npx tsx test/cluster/keycloak/main.ts embedded        fed by the stand-in only
//   KEYCLOAK_VERSION=26.7.0 npx tsx test/cluster/keycloak/main.ts
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { KEYCLOAK_VERSION, missingForKeycloak } from './keycloak.js';

const missing = await missingForKeycloak();
if (missing === undefined) {
  const args = [
    'node_modules/vitest/vitest.mjs',
    'run',
    '--config',
    'test/cluster/keycloak/vitest.config.ts',
    ...process.argv.slice(2),
  ];
  const cwd = fileURLToPath(new URL('../../..', import.meta.url));
  console.log(`Keycloak ${KEYCLOAK_VERSION}; its first start takes a minute or two.`);
  const child = spawn(process.execPath, args, { cwd, stdio: 'inherit' });
  // Ctrl-C goes to both; the run ends its server, and this one waits for it.
  process.on('SIGINT', () => {});
  const [code] = await once(child, 'exit');
  process.exitCode = code ?? 1;
} else {
  console.log(
    `${missing} is missing: Keycloak needs Java 17 or newer, and is installed by Maven and Python. Nothing ran.`,
  );
  process.exitCode = 1;
}
