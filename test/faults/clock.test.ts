import { mintToken } from 'projected-token/testing';
import { afterEach, beforeEach, expect, vi } from 'vitest';
import { fault } from './fault.js';
import { FollowedVolume } from './followed-volume.js';

// The machine's clock is not the test's to set; `Date` is all that the library knows of it. Timers and files are real.
const HOUR_MS = 3_600_000;
const STEPS = { 'an hour': HOUR_MS, 'a day': 24 * HOUR_MS };

let startMs: number;

beforeEach(() => {
  startMs = Date.now();
  vi.useFakeTimers({ toFake: ['Date'], now: startMs });
});
afterEach(() => void vi.useRealTimers());

const setClock = (byMs: number) => vi.setSystemTime(startMs + byMs);

fault(
  "the clock goes beyond the token's life, and nothing asks but `status` and `current`",
  '`expired` and no token, before any timer or read has told',
  async () => {
    await using followed = await followTokenOf(3600);
    setClock(HOUR_MS);
    expect(followed.provider.status).toMatchObject({ state: 'expired' });
    expect(followed.provider.current).toBeUndefined();
    await followed.expectRecovery();
  },
);

for (const [step, ms] of Object.entries(STEPS)) {
  fault(
    `the clock goes ${step} forwards, within the token's life`,
    'the token in use stays, and is not `expired`',
    async () => {
      await using followed = await followTokenOf(ms / 1000 + 3600);
      const kept = followed.provider.current?.value;
      setClock(ms);
      await followed.provider.refresh();
      expect(await followed.provider.getToken()).toBe(kept);
      expect(followed.events).not.toContain('expired');
      await followed.expectRecovery();
    },
  );

  fault(
    `the clock goes ${step} forwards, beyond the token's life`,
    '`ERR_TOKEN_EXPIRED`; `recovered` at the next rotation',
    async () => {
      await using followed = await followTokenOf(3600);
      setClock(ms);
      await expect(followed.provider.getToken()).rejects.toMatchObject({ code: 'ERR_TOKEN_EXPIRED' });
      await followed.expectRecovery();
      expect(followed.events).toEqual(['expired', 'rotated', 'recovered']);
    },
  );

  fault(
    `the clock goes ${step} forwards and back`,
    '`ERR_TOKEN_EXPIRED` meanwhile; `recovered` with the same token',
    async () => {
      await using followed = await followTokenOf(3600);
      const { provider, volume } = followed;
      setClock(ms);
      await expect(provider.getToken()).rejects.toMatchObject({ code: 'ERR_TOKEN_EXPIRED' });
      setClock(0);
      expect(await provider.getToken()).toBe(volume.content);
      await expect.poll(() => followed.events).toContain('recovered');
      await followed.expectRecovery();
    },
  );

  fault(
    `the clock goes ${step} backwards`,
    '`ERR_TOKEN_NOT_YET_VALID` for tokens of the right time; the token in use stays until the clock is right',
    async () => {
      await using followed = await followTokenOf(3600);
      setClock(-ms);
      await followed.provider.refresh();
      expect(followed.events).toEqual([]);
      const next = await mintToken({ issuedAt: new Date(startMs) });
      followed.volume.write(next);
      await followed.expectKept('ERR_TOKEN_NOT_YET_VALID');
      setClock(0);
      await expect.poll(() => followed.provider.current?.value).toBe(next);
      await followed.expectRecovery();
    },
  );
}

async function followTokenOf(expiresInSeconds: number): Promise<FollowedVolume> {
  return FollowedVolume.open({}, { token: await mintToken({ expiresInSeconds }) });
}
