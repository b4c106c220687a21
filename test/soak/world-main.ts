/**
 * The world outside of the pods, in a process of its own: a kubelet that rotates the token of a volume as fast as every 2 ms, faults
 * that befall the volume, and a service that takes no other token than the newest.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { BoundToken } from 'projected-token';
import { TokenIssuer, TokenVolume } from 'projected-token/testing';
import { seededRandom } from '../../bench/simulation/random.js';
import { DATA_FAULTS, FILE_FAULTS } from '../faults/file-faults.js';
import type { Failure, Verdict } from './failure.js';
import { offer } from './remote.js';
import { StrictService } from './strict-service.js';

const FASTEST_MS = 2;
const SLOWEST_MS = 60;
/** Share of the rotations before which a fault befalls the volume. */
const FAULT_SHARE = 0.05;
const LONGEST_FAULT_MS = 30;

const random = seededRandom(Number(process.argv[2]));
const parent = mkdtempSync(join(tmpdir(), 'projected-token-soak-'));
process.once('exit', () => rmSync(parent, { recursive: true, force: true }));
process.once('disconnect', () => process.exit());

const issuer = await TokenIssuer.create({ algorithm: 'ES256' });
const volume = new TokenVolume({ directory: join(parent, 'tokens') });
const service = await StrictService.start(seededRandom(Number(process.argv[2]) + 1));
const foreignToken = await issuer.mint({ audience: 'another' });
const faults = Object.entries(volumeFaults());
let isBroken = false;

const tally = {
  rotations: 0,
  /** Faults of the volume, by name. */
  faults: {} as Record<string, number>,
  /** Requests that failed, by the reason. */
  failed: { overtaken: 0, 'no file': 0, network: 0, fault: 0 } satisfies Record<Verdict, number>,
  /** Those that had a valid token to use. */
  guilty: [] as Failure[],
};

await rotate();

const methods = {
  address: () => ({ directory: volume.directory, path: volume.path, url: service.url }),

  /** Rotates so many times, or for so long; tells the fingerprint of the last token. */
  rotate: async (rotations: number, seconds: number) => {
    const endMs = Date.now() + seconds * 1000;
    for (let count = 0; count < rotations && Date.now() < endMs; count++) {
      await pause(FASTEST_MS * (SLOWEST_MS / FASTEST_MS) ** random());
      if (random() < FAULT_SHARE) await befall(faults[Math.floor(random() * faults.length)]!);
      await rotate();
    }
    return BoundToken.parse(volume.content!).fingerprint;
  },

  judge: (failures: readonly Failure[]) => {
    for (const failure of failures) {
      const verdict = service.judge(failure);
      tally.failed[verdict]++;
      if (verdict === 'fault') tally.guilty.push(failure);
    }
  },

  closeIdleConnections: () => service.closeIdleConnections(),
  tally: () => ({ ...tally, rescued: service.rescued }),
};

export type WorldMethods = typeof methods;

offer(methods);

async function befall([name, { hidesToken, happen }]: [string, VolumeFault]): Promise<void> {
  tally.faults[name] = (tally.faults[name] ?? 0) + 1;
  if (hidesToken) service.fileIsGone();
  happen();
  isBroken = true;
  await pause(random() * LONGEST_FAULT_MS);
}

/** A rotation, and the end of whatever fault there was: one instant for the service. */
async function rotate(): Promise<void> {
  const token = await issuer.mint({ audience: 'vault' });
  if (isBroken) clear();
  isBroken = false;
  tally.rotations++;
  for (const step of volume.steps(token)) if (step === 'swap-data') service.acceptOnly(token);
  service.fileIsBack();
}

/** Takes away what a kubelet would stumble over. */
function clear(): void {
  service.fileIsGone();
  volume.remount();
  for (const name of readdirSync(volume.directory)) rmSync(join(volume.directory, name), { recursive: true });
}

interface VolumeFault {
  happen(): void;
  /** Whether the file does not give the token any more. */
  readonly hidesToken: boolean;
}

function volumeFaults(): Record<string, VolumeFault> {
  const faults: Record<string, VolumeFault> = {
    'another token in its place': { happen: () => volume.write(foreignToken), hidesToken: true },
    'the directory is removed': { happen: () => volume.unmount(), hidesToken: true },
    'a write stops halfway': { happen: stopHalfway, hidesToken: false },
  };
  const entries = {
    'the file is': [volume.path, FILE_FAULTS],
    '`..data` is': [join(volume.directory, '..data'), DATA_FAULTS],
  } as const;
  for (const [entry, [path, table]] of Object.entries(entries)) {
    for (const [what, { make, isPossible = true }] of Object.entries(table)) {
      const happen = () => {
        const token = volume.content!;
        rmSync(path);
        make(path, token);
      };
      if (isPossible) faults[`${entry} ${what}`] = { happen, hidesToken: true };
    }
  }
  return faults;
}

function stopHalfway(): void {
  for (const step of volume.steps(foreignToken)) if (step === 'link-data-tmp') return;
}
