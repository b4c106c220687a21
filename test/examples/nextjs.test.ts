import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mintToken, TokenVolume } from 'projected-token/testing';
import { describe, expect, it } from 'vitest';
import { REPOSITORY } from '../helpers/built-package.js';
import { HttpOrigin } from '../helpers/http-origin.js';
import { NEXT, NextApp } from '../helpers/next-app.js';

// Says in the report why it is skipped.
const suite = NEXT === undefined ? describe.skip : describe;
const name =
  NEXT === undefined ? 'Next.js (skipped: it is not installed, see .ci/recipes)' : 'Next.js, built for production';

// The build takes 20 s, and minutes where many share a processor.
suite(name, { timeout: 900_000 }, () => {
  it('carries the token through the fetch that Next.js patched, past its cache and from it', async () => {
    const orders = await HttpOrigin.start();
    using volume = TokenVolume.temporary(tmpdir(), { fileName: 'token' });
    const rotate = async () => {
      volume.write(await mintToken({ audience: 'orders' }));
      return `Bearer ${volume.content}`;
    };
    const first = await rotate();
    let answered = 0;
    orders.on('/orders', ({ headers }) =>
      headers.authorization === `Bearer ${volume.content}` ? { body: `[${++answered}]` } : { status: 401 },
    );
    await using app = await NextApp.start(join(REPOSITORY, 'examples', 'nextjs'), {
      TOKEN_PATH: volume.path,
      TOKEN_AUDIENCE: 'orders',
      SERVICE_URL: orders.origin,
    });
    const get = async (path: string) => (await fetch(app.url + path, { headers: { Connection: 'close' } })).json();

    expect(await get('/orders')).toEqual([1]);
    expect(await get('/orders?cached')).toEqual([2]);
    // Only the fetch of Next.js has this cache.
    expect(await get('/orders?cached')).toEqual([2]);
    expect(new Set(orders.seen('/orders', 'authorization'))).toEqual(new Set([first]));

    const second = await rotate();
    // Rejected with the first one, if the other is not there yet, and sent again.
    expect(await get('/orders')).toEqual([3]);
    expect(orders.seen('/orders', 'authorization').at(-1)).toBe(second);
    // The token is a part of the key.
    expect(await get('/orders?cached')).toEqual([4]);
    await orders.close();
  });
});
