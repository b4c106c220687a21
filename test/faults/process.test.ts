import { chmodSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { mintToken, TokenVolume } from 'projected-token/testing';
import { afterEach, beforeEach, expect } from 'vitest';
import { canLimitDescriptors } from './descriptor-limit.js';
import { fault } from './fault.js';
import { hasOwnLimits, ProviderProcess } from './provider-process.js';

const NOBODY = 65534;

/** Long enough to be put to use on a busy machine. */
const SHORT_MS = 3000;

let volume: TokenVolume;

beforeEach(async () => {
  volume = TokenVolume.temporary(tmpdir());
  chmodSync(volume.directory, 0o755);
  volume.write(await mintToken());
});
afterEach(() => volume.unmount());

/** Puts a token to use whose life ends soon. */
async function useShortToken(provider: ProviderProcess): Promise<void> {
  const token = await mintToken({ claims: { exp: (Date.now() + SHORT_MS) / 1000 } });
  volume.write(token);
  await provider.untilInUse(token);
}

async function expectRecovery(provider: ProviderProcess): Promise<void> {
  const token = await mintToken();
  volume.write(token);
  await provider.untilInUse(token);
  expect(await provider.ask({ do: 'get token' })).toEqual({ token });
}

fault(
  'a rotation leaves a file of mode 0600 of another uid',
  '`ERR_TOKEN_NOT_READABLE` names mode, uid and the cure; the token in use stays until the mode is repaired',
  async () => {
    const kept = volume.content;
    await using provider = await ProviderProcess.start({ path: volume.path, uid: NOBODY });
    const hidden = await mintToken();
    new TokenVolume({ directory: volume.directory, mode: 0o600 }).write(hidden);
    expect(await provider.until('rejected')).toMatchObject({ code: 'ERR_TOKEN_NOT_READABLE' });
    expect(await provider.ask({ do: 'get token' })).toEqual({ token: kept });
    expect((await provider.ask({ do: 'tell' })).status?.lastError?.message).toMatch(/0600.*uid 65534.*fsGroup/s);
    chmodSync(volume.path, 0o644);
    await provider.untilInUse(hidden);
    await expectRecovery(provider);
  },
  process.getuid?.() === 0,
);

const INOTIFY_LIMITS = { max_inotify_instances: 'EMFILE', max_inotify_watches: 'ENOSPC' };

for (const [name, code] of Object.entries(INOTIFY_LIMITS)) {
  fault(
    `\`${name}\` is reached`,
    `\`degraded\` with \`${code}\`; rotations arrive by polling, and by events once there is room`,
    async () => {
      await using provider = await ProviderProcess.start({ path: volume.path, limits: { [name]: 0 } });
      expect(await provider.until('degraded')).toMatchObject({ code });
      await expectRecovery(provider);
      await provider.ask({ do: 'set limit', name, limit: 100 });
      await provider.until('restored');
      expect((await provider.ask({ do: 'tell' })).status?.watching).toBe('events');
      await expectRecovery(provider);
    },
    hasOwnLimits,
  );
}

fault(
  'no descriptor is free when the provider starts',
  '`degraded` with `EMFILE`; the token is read, and rotations arrive by events, once there is room',
  async () => {
    await using provider = await ProviderProcess.start({ path: volume.path, isOutOfDescriptors: true });
    expect(await provider.until('degraded')).toMatchObject({ code: 'EMFILE' });
    await provider.until('restored');
    expect((await provider.ask({ do: 'tell' })).status?.watching).toBe('events');
    await expectRecovery(provider);
  },
  canLimitDescriptors,
);

fault('SIGSTOP for longer than the token lives', 'the first token asked for afterwards is the new one', async () => {
  await using provider = await ProviderProcess.start({ path: volume.path });
  await useShortToken(provider);
  provider.signal('SIGSTOP');
  const next = await mintToken();
  volume.write(next);
  // Asked while it is stopped: this is the first that it does.
  const answer = provider.ask({ do: 'get token' });
  await pause(SHORT_MS);
  provider.signal('SIGCONT');
  expect(await answer).toEqual({ token: next });
  await expectRecovery(provider);
});

fault(
  'SIGSTOP for longer than the token lives, and no other came',
  '`ERR_TOKEN_EXPIRED`, never the expired token; `recovered` at the next rotation',
  async () => {
    await using provider = await ProviderProcess.start({ path: volume.path });
    await useShortToken(provider);
    provider.signal('SIGSTOP');
    const answer = provider.ask({ do: 'get token' });
    await pause(SHORT_MS);
    provider.signal('SIGCONT');
    expect(await answer).toMatchObject({ code: 'ERR_TOKEN_EXPIRED' });
    await expectRecovery(provider);
    await provider.until('recovered');
  },
);

fault(
  'the event loop is blocked for longer than the token lives, through a hundred rotations',
  'the first token asked for afterwards is the last one',
  async () => {
    await using provider = await ProviderProcess.start({ path: volume.path });
    await useShortToken(provider);
    const unblocked = provider.ask({ do: 'block', ms: SHORT_MS });
    await provider.until('blocked');
    let last = '';
    for (let rotation = 0; rotation < 100; rotation++) {
      last = await mintToken();
      volume.write(last);
    }
    await unblocked;
    expect(await provider.ask({ do: 'get token' })).toEqual({ token: last });
    await expectRecovery(provider);
  },
);
