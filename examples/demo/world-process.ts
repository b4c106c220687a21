/**
 * The world outside of the pod, as a process of its own: a kubelet that rotates the token of a projected volume, and a
 * service that takes no other token than the one in the volume, and a Vault that revokes its tokens and restarts. One process, so that the swap of the volume and the end of the
 * old token are one instant: no request is looked at between them.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { BoundToken } from 'projected-token';
import { EmbeddedVault, TokenIssuer, TokenVolume } from 'projected-token/testing';
import { SecretService } from './secret-service.js';
import type { WorldMessage } from './world.js';

const AUDIENCE = 'vault';
const ROLE = 'app';
const RESTART_MS = 300;

const rotateEveryMs = Number(process.argv[2]) * 1000;
// A kubelet replaces a token at 80 % of its life. Here it is sooner: a busy machine must not make a token expire.
const lifeSeconds = Math.max(5, (rotateEveryMs / 1000) * 2.5);

const directory = mkdtempSync(join(tmpdir(), 'projected-token-demo-'));
process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
// Ctrl-C in a terminal goes to this process too; it ends with the demo, not before it.
process.on('SIGINT', () => {});
process.once('disconnect', () => process.exit());

const issuer = await TokenIssuer.create({ algorithm: 'ES256' });
const service = await SecretService.start({ issuer, audience: AUDIENCE });
const volume = new TokenVolume({ directory: join(directory, 'tokens') });

// Short enough to see renewals, and long enough to outlast a restart.
const LEASE_SECONDS = 8;

const vault = await EmbeddedVault.start({
  trust: issuer,
  roles: {
    [ROLE]: {
      serviceAccounts: ['build-robot'],
      namespaces: ['default'],
      audience: AUDIENCE,
      ttlSeconds: LEASE_SECONDS,
      maxTtlSeconds: 3 * LEASE_SECONDS,
    },
  },
  secrets: { app: { password: 'correct horse' } },
});

await rotate();
tell({
  type: 'ready',
  path: volume.path,
  audience: AUDIENCE,
  url: `${service.origin}/v1/secret/data/app`,
  vault: { address: vault.origin, role: ROLE, secret: '/v1/secret/data/app' },
});
let rotations = 0;
setInterval(() => void step(), rotateEveryMs);

/** A rotation; with the first Vault's tokens are revoked, with the second it restarts, the third has peace, and so on. */
async function step(): Promise<void> {
  const part = rotations++ % 3;
  await rotate();
  if (part === 0) {
    vault.revokeTokens();
    tell({ type: 'vault-revoked' });
  } else if (part === 1) {
    tell({ type: 'vault-restarts' });
    await vault.close();
    await pause(RESTART_MS);
    await vault.resume();
  }
}

async function rotate(): Promise<void> {
  const issuedAtMs = Date.now();
  // Times to the millisecond (RFC 7519 section 2 allows it), to show lives of a few seconds as they are.
  const iat = issuedAtMs / 1000;
  const claims = { iat, nbf: Math.floor(iat), exp: iat + lifeSeconds };
  const value = await issuer.mint({ audience: AUDIENCE, claims });
  const { fingerprint } = BoundToken.parse(value);
  let swappedAtMs = 0;
  for (const step of volume.steps(value)) {
    // The next step is the rename.
    if (step === 'link-data-tmp') swappedAtMs = monotonicMs();
    if (step === 'swap-data') service.acceptOnly(value);
  }
  tell({ type: 'swapped', fingerprint, issuedAtMs, expiresAtMs: issuedAtMs + lifeSeconds * 1000, swappedAtMs });
}

/** A clock that all processes of a machine share and nobody sets. */
function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

function tell(message: WorldMessage): void {
  process.send?.(message);
}
