import type { TokenCarrier, TokenSource } from 'projected-token';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { TokenCarriage, type TokenJourney, type WithTokenOptions } from '../../src/carry/token-carriage.js';

const HERE = new URL('https://vault.internal:8200/v1/secret');
const NEXT_DOOR = new URL('https://standby.internal:8200/v1/secret');
const ELSEWHERE = new URL('https://evil.example/');
const ORIGINS = [HERE.origin, NEXT_DOOR.origin];

/** A source that has `first`, and after a refusal what `replacement` says. */
function sourceOf(carrier?: TokenCarrier) {
  return {
    getToken: vi.fn<TokenSource['getToken']>(async () => 'first'),
    replaceToken: vi.fn<TokenSource['replaceToken']>(async () => 'second'),
    ...(carrier !== undefined && { carrier }),
  };
}

const carriageOf = (source: TokenSource, options: WithTokenOptions = {}) =>
  new TokenCarriage(source, { origins: ORIGINS, ...options });

describe('the header', () => {
  it.each<[TokenCarrier | undefined, string, string]>([
    [undefined, 'authorization', 'Bearer first'],
    [{ header: 'Authorization', scheme: 'Bearer' }, 'authorization', 'Bearer first'],
    [{ header: 'X-Vault-Token' }, 'x-vault-token', 'first'],
    [{ header: 'authorization', scheme: 'Token' }, 'authorization', 'Token first'],
  ])('of a source with the carrier %j is %s: %s', async (carrier, header, value) => {
    const carriage = carriageOf(sourceOf(carrier));
    expect(carriage.header).toBe(header);
    expect(carriage.valueOf('first')).toBe(value);
    expect(await carriage.begin().valueFor(HERE)).toBe(value);
  });

  it.each(['', 'X Vault', 'X-Vault:', 'X-Vault\r\nX', 'X-Välter', ' X-Vault', 'X-Vault '])(
    'that is none (%j) is refused',
    (header) => {
      expect(() => carriageOf(sourceOf({ header }))).toThrow(
        expect.objectContaining({
          code: 'ERR_TOKEN_OPTION',
          option: 'carrier',
          message: expect.stringContaining('header'),
        }),
      );
    },
  );

  it.each(['', ' ', 'a b', 'a\n', '\ta', 'a\u0000', 'a\u007f', 'tökén', '\u{1f511}'])(
    'cannot carry the token %j, which is not quoted',
    async (token) => {
      const source = sourceOf();
      source.getToken.mockResolvedValue(token);
      const message = expect.stringMatching(
        /^The token source gave a token that is empty, or holds white space, [ -~]+$/,
      );
      await expect(carriageOf(source).begin().valueFor(HERE)).rejects.toMatchObject({
        code: 'ERR_TOKEN_MALFORMED',
        message,
      });
    },
  );

  it('has the value of each token, in whatever order they come', () => {
    const carriage = carriageOf(sourceOf());
    const values = ['a', 'a', 'b', 'a'].map((token) => carriage.valueOf(token));
    expect(values).toEqual(['Bearer a', 'Bearer a', 'Bearer b', 'Bearer a']);
    expect(() => carriage.valueOf('')).toThrow();
  });

  it('carries all of visible ASCII', () => {
    const visible = String.fromCharCode(...Array.from({ length: 94 }, (_, index) => 0x21 + index));
    expect(carriageOf(sourceOf()).valueOf(visible)).toBe(`Bearer ${visible}`);
  });
});

describe('the statuses that refuse a token', () => {
  it.each<[string, TokenCarrier | undefined, WithTokenOptions, number[]]>([
    ['are 401', undefined, {}, [401]],
    ['are those of the carrier', { header: 'x', refusedStatuses: [403] }, {}, [403]],
    [
      'are those of the options before all',
      { header: 'x', refusedStatuses: [403] },
      { refusedStatuses: [401, 498] },
      [401, 498],
    ],
    ['may be none', undefined, { refusedStatuses: [] }, []],
    ['may be the outermost', undefined, { refusedStatuses: [400, 599] }, [400, 599]],
  ])('%s', (_, carrier, options, refused) => {
    const carriage = carriageOf(sourceOf(carrier), options);
    const statuses = [200, 301, 400, 401, 403, 498, 500, 599];
    expect(statuses.filter((status) => carriage.isRefusal(status))).toEqual(refused);
  });

  it.each([[[399]], [[600]], [[200]], [[401.5]], [['401']], [[401, 0]], [[Number.NaN]], [401], ['401'], [{}]])(
    'that cannot be (%j) are refused',
    (refusedStatuses) => {
      expect(() => carriageOf(sourceOf(), { refusedStatuses: refusedStatuses as number[] })).toThrow(
        expect.objectContaining({
          code: 'ERR_TOKEN_OPTION',
          option: 'refusedStatuses',
          message: expect.stringContaining('400 to 599'),
        }),
      );
    },
  );

  it('are those of the moment', () => {
    const refusedStatuses = [401];
    const carriage = carriageOf(sourceOf(), { refusedStatuses });
    refusedStatuses.push(403);
    expect(carriage.isRefusal(403)).toBe(false);
  });
});

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

describe('origins', () => {
  it('are those listed', () => {
    const carriage = carriageOf(sourceOf());
    expect([HERE, NEXT_DOOR, ELSEWHERE].map((url) => carriage.allows(url))).toEqual([true, true, false]);
  });

  it('may be told from a text, however it is written', () => {
    const carriage = carriageOf(sourceOf());
    const listed = [HERE.origin, `${HERE.origin}/`, 'HTTPS://Vault.internal:8200', HERE.href];
    expect(listed.map((text) => carriage.allows(text))).toEqual([true, true, true, true]);
    const others = [ELSEWHERE.origin, 'vault.internal:8200', '', '/v1', 'https://vault.internal:8200@evil.example'];
    expect(others.map((text) => carriage.allows(text))).toEqual(Array(5).fill(false));
  });

  it('are that of the base URL, too', () => {
    const carriage = new TokenCarriage(sourceOf(), {}, 'https://vault.internal:8200/v1/');
    expect([HERE, NEXT_DOOR].map((url) => carriage.allows(url))).toEqual([true, false]);
  });

  it('are needed', () => {
    expect(() => new TokenCarriage(sourceOf(), {})).toThrow(expect.objectContaining({ option: 'origins' }));
    expect(() => new TokenCarriage(sourceOf(), {}, 'http://vault.internal')).toThrow(
      expect.objectContaining({ code: 'ERR_TOKEN_ORIGIN' }),
    );
  });
});
