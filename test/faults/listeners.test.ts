import { mintToken } from 'projected-token/testing';
import { expect, vi } from 'vitest';
import { nextEvent } from '../helpers/provider-events.js';
import { fault } from './fault.js';
import { FollowedVolume } from './followed-volume.js';

const COUNT = 10_000;

fault('10,000 listeners', 'each is called once, in their order; Node has nothing to warn of', async () => {
  await using followed = await FollowedVolume.open();
  const { provider, volume } = followed;
  const warned = vi.fn();
  process.on('warning', warned);
  const called: number[] = [];
  const listeners = Array.from({ length: COUNT }, (_, index) => () => called.push(index));
  for (const listener of listeners) provider.on('rotated', listener);
  const rotated = nextEvent(provider, 'rotated');
  volume.write(await mintToken());
  await rotated;
  expect(called).toEqual(listeners.map((_, index) => index));
  for (const listener of listeners) provider.off('rotated', listener);
  await followed.expectRecovery();
  process.off('warning', warned);
  expect(called).toHaveLength(COUNT);
  expect(warned).not.toHaveBeenCalled();
});

fault('10,000 listeners that throw', 'each is told as `error`; the token is in use', async () => {
  await using followed = await FollowedVolume.open();
  const { provider, volume } = followed;
  const mistake = new Error('a mistake of the program');
  const listeners = Array.from({ length: COUNT }, () => () => {
    throw mistake;
  });
  for (const listener of listeners) provider.on('rotated', listener);
  const told = vi.fn();
  provider.on('error', told);
  const rotated = nextEvent(provider, 'rotated');
  const token = await mintToken();
  volume.write(token);
  await rotated;
  expect(told).toHaveBeenCalledTimes(COUNT);
  expect(told).toHaveBeenLastCalledWith(expect.objectContaining({ code: 'ERR_TOKEN_LISTENER', cause: mistake }));
  expect(await provider.getToken()).toBe(token);
  for (const listener of listeners) provider.off('rotated', listener);
  await followed.expectRecovery();
  expect(told).toHaveBeenCalledTimes(COUNT);
});
