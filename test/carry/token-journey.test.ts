import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { TokenJourney } from '../../src/carry/token-carriage.js';
import { carriageOf, ELSEWHERE, HERE, NEXT_DOOR, sourceOf } from './carriage-of.js';

describe('a journey', () => {
  let source: ReturnType<typeof sourceOf>;
  let journey: TokenJourney;

  beforeEach(() => {
    source = sourceOf();
    journey = carriageOf(source).begin();
  });

  describe('hop by hop', () => {
    it('has no token before the first hop that carries one, and then keeps it', async () => {
      expect(journey.token).toBeUndefined();
      expect(await journey.valueFor(HERE)).toBe('Bearer first');
      expect(journey.token).toBe('first');
      source.getToken.mockResolvedValue('newer');
      expect(await journey.valueFor(NEXT_DOOR)).toBe('Bearer first');
      expect(journey.valueAtRedirect(NEXT_DOOR)).toBe('Bearer first');
      expect(source.getToken).toHaveBeenCalledTimes(1);
    });

    it('has the value at once where the source has a token at hand, and then keeps it', async () => {
      const peekToken = vi.fn(() => 'at-hand');
      journey = carriageOf({ ...source, peekToken }).begin();
      expect(journey.carriesIf(true)).toBe(true);
      expect(journey.valueAtHand()).toBe('Bearer at-hand');
      peekToken.mockReturnValue('newer');
      expect(journey.valueAtHand()).toBe('Bearer at-hand');
      expect(await journey.valueFor(HERE)).toBe('Bearer at-hand');
      expect(source.getToken).not.toHaveBeenCalled();
    });

    it('has none at once where the source has none at hand, or cannot tell', async () => {
      for (const peekToken of [() => undefined, undefined]) {
        journey = carriageOf({ ...source, ...(peekToken && { peekToken }) }).begin();
        expect(journey.valueAtHand()).toBeUndefined();
        expect(await journey.value()).toBe('Bearer first');
        expect(journey.valueAtHand()).toBe('Bearer first');
      }
    });

    it('fails at once for a token that no header can carry', () => {
      journey = carriageOf({ ...source, peekToken: () => 'two parts' }).begin();
      expect(() => journey.valueAtHand()).toThrow(expect.objectContaining({ code: 'ERR_TOKEN_MALFORMED' }));
    });

    it('goes without to an origin that is not listed, and asks for no token', async () => {
      expect(await journey.valueFor(ELSEWHERE)).toBeUndefined();
      expect(source.getToken).not.toHaveBeenCalled();
      expect(journey.carriesTo(ELSEWHERE)).toBe(false);
    });

    it('goes without once it has been elsewhere, back to a listed origin too', async () => {
      await journey.valueFor(HERE);
      expect(await journey.valueFor(ELSEWHERE)).toBeUndefined();
      expect(await journey.valueFor(HERE)).toBeUndefined();
      expect(journey.valueAtRedirect(HERE)).toBeUndefined();
      expect(journey.carriesTo(HERE)).toBe(false);
    });

    it('goes without once it was told to leave', async () => {
      await journey.valueFor(HERE);
      journey.leave();
      expect(journey.carriesTo(HERE)).toBe(false);
      expect(await journey.valueFor(HERE)).toBeUndefined();
    });

    it('has nothing to carry at a redirect where no hop before had', () => {
      expect(journey.valueAtRedirect(HERE)).toBeUndefined();
    });

    it('is one of many: another begins anew', async () => {
      const carriage = carriageOf(source);
      const first = carriage.begin();
      await first.valueFor(ELSEWHERE);
      expect(await carriage.begin().valueFor(HERE)).toBe('Bearer first');
    });

    it('gives the signal to the source, and rejects with its reason', async () => {
      const controller = new AbortController();
      const reason = new Error('the user went away');
      source.getToken.mockReturnValue(new Promise(() => {}));
      const value = journey.valueFor(HERE, controller.signal);
      expect(source.getToken).toHaveBeenCalledWith({ signal: controller.signal });
      controller.abort(reason);
      await expect(value).rejects.toBe(reason);
    });

    it('fails as the source does, and asks it anew the next time', async () => {
      const failure = new Error('no token');
      source.getToken.mockRejectedValueOnce(failure);
      await expect(journey.valueFor(HERE)).rejects.toBe(failure);
      expect(await journey.valueFor(HERE)).toBe('Bearer first');
    });
  });

  describe('after an answer', () => {
    it('is taken once more, with the new token', async () => {
      await journey.valueFor(HERE);
      expect(await journey.shouldRetry(401, true)).toBe(true);
      expect(source.replaceToken).toHaveBeenCalledWith('first', { signal: undefined });
      expect(journey.token).toBe('second');
      expect(await journey.valueFor(HERE)).toBe('Bearer second');
    });

    it('is taken once more only once, and nobody is told of the second refusal', async () => {
      await journey.valueFor(HERE);
      await journey.shouldRetry(401, true);
      expect(await journey.shouldRetry(401, true)).toBe(false);
      expect(source.replaceToken).toHaveBeenCalledTimes(1);
    });

    it.each<[string, (journey: TokenJourney) => Promise<unknown>]>([
      ['was never taken', async () => {}],
      ['could carry a token and had none', async (journey) => journey.valueAtRedirect(HERE)],
      ['went elsewhere', (journey) => journey.valueFor(ELSEWHERE)],
      ['went elsewhere at last', (journey) => journey.valueFor(HERE).then(() => journey.valueFor(ELSEWHERE))],
      ['left', (journey) => journey.valueFor(HERE).then(() => journey.leave())],
    ])('is not when the hop %s, and nobody is told', async (_, travel) => {
      await travel(journey);
      expect(await journey.shouldRetry(401, true)).toBe(false);
      expect(source.replaceToken).not.toHaveBeenCalled();
    });

    it.each([200, 204, 302, 400, 403, 500])('is not when the status is %i, and nobody is told', async (status) => {
      await journey.valueFor(HERE);
      expect(await journey.shouldRetry(status, true)).toBe(false);
      expect(source.replaceToken).not.toHaveBeenCalled();
      // A refusal that comes later, after a redirect for instance, counts as the first.
      expect(await journey.shouldRetry(401, true)).toBe(true);
    });

    it('is not when the body cannot be sent again, but the source is told', async () => {
      await journey.valueFor(HERE);
      expect(await journey.shouldRetry(401, false)).toBe(false);
      expect(source.replaceToken).toHaveBeenCalledTimes(1);
      expect(journey.token).toBe('first');
    });

    it.each([
      ['has none', async () => undefined],
      ['has the same', async () => 'first'],
      ['has one that no header can carry', async () => 'not a token'],
      ['fails', async () => Promise.reject(new Error('no file'))],
    ])('is not when the source %s: the refusal is what the caller sees', async (_, replace) => {
      source.replaceToken.mockImplementation(replace);
      await journey.valueFor(HERE);
      expect(await journey.shouldRetry(401, true)).toBe(false);
      expect(journey.token).toBe('first');
    });

    it('rejects with the reason of the signal that ended the wait', async () => {
      const controller = new AbortController();
      const reason = new Error('the user went away');
      await journey.valueFor(HERE);
      source.replaceToken.mockReturnValue(new Promise(() => {}));
      const retry = journey.shouldRetry(401, true, controller.signal);
      expect(source.replaceToken).toHaveBeenCalledWith('first', { signal: controller.signal });
      controller.abort(reason);
      await expect(retry).rejects.toBe(reason);
    });
  });
});
