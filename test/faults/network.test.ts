import axios from 'axios';
import type { TokenSource } from 'projected-token';
import { withToken as withTokenAxios } from 'projected-token/axios';
import { withToken as withTokenFetch } from 'projected-token/fetch';
import { mintToken } from 'projected-token/testing';
import { afterEach, beforeEach, describe, expect } from 'vitest';
import { HttpOrigin } from '../helpers/http-origin.js';
import { expectNoToken } from '../helpers/http-token-source.js';
import { fault } from './fault.js';
import { FollowedVolume } from './followed-volume.js';

/** Sends a request with the token; resolves with the status once the whole answer is there. */
type Send = (url: string, signal?: AbortSignal) => Promise<number>;

const CLIENTS: Record<string, (source: TokenSource, origin: string) => Send> = {
  fetch: (source, origin) => {
    const tokenFetch = withTokenFetch(fetch, source, { origins: [origin] });
    return async (url, signal) => {
      const response = await tokenFetch(url, { signal: signal ?? null });
      await response.arrayBuffer();
      return response.status;
    };
  },
  axios: (source, origin) => {
    const tokenAxios = withTokenAxios(axios.create({ validateStatus: null }), source, { origins: [origin] });
    return async (url, signal) => (await tokenAxios.get(url, { ...(signal && { signal }) })).status;
  },
};

describe.each(Object.entries(CLIENTS))('%s', (_, connect) => {
  let followed: FollowedVolume;
  let server: HttpOrigin;
  let send: Send;
  let url: string;

  beforeEach(async () => {
    [followed, server] = await Promise.all([FollowedVolume.open(), HttpOrigin.start()]);
    send = connect(followed.provider, server.origin);
    url = acceptFileOnly(server);
  });
  afterEach(() => Promise.all([followed[Symbol.asyncDispose](), server.close()]));

  /** A service that takes no token but the one in the file, from the instant of the swap on. */
  function acceptFileOnly(origin: HttpOrigin): string {
    return origin.on('/a', ({ headers }) => ({ status: isCurrent(headers.authorization) ? 200 : 401 }));
  }
  const isCurrent = (header: string | undefined) => header === `Bearer ${followed.volume.content}`;

  /** The network is well again, and so is a request right after a rotation. */
  async function expectRecovery(): Promise<void> {
    acceptFileOnly(server);
    expect(await send(url)).toBe(200);
    followed.volume.write(await mintToken());
    expect(await send(url)).toBe(200);
    await followed.expectRecovery();
  }

  /** The request fails with an error of the client that shows no token. */
  async function expectFailure(work: Promise<unknown>): Promise<void> {
    const error = await work.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(Error);
    expectNoToken(error, { canary: followed.volume.content!.split('.')[2]! });
  }

  fault('the server is down', "the client's own error, at once; works when it is up again", async () => {
    const port = Number(new URL(server.origin).port);
    await server.close();
    await expectFailure(send(url));
    server = await HttpOrigin.start(port);
    await expectRecovery();
  });

  fault(
    'the connection is reset in the middle of a body',
    "the client's own error; nothing is sent twice",
    async () => {
      server.on('/a', 'break');
      await expectFailure(send(url));
      expect(server.requests).toHaveLength(1);
      await expectRecovery();
    },
  );

  fault(
    "the headers come later than the caller's time limit",
    "the caller's abort; nothing is sent twice",
    async () => {
      server.on('/a', 'hang');
      await expectFailure(send(url, AbortSignal.timeout(100)));
      expect(server.requests).toHaveLength(1);
      await expectRecovery();
    },
  );

  fault('the headers come after a rotation', 'the request is sent again with the new token', async () => {
    let answer = () => {};
    const asked = new Promise<void>((resolve) => {
      server.on('/a', async ({ headers }) => {
        resolve();
        await new Promise<void>((settle) => {
          answer = settle;
        });
        return { status: isCurrent(headers.authorization) ? 200 : 401 };
      });
    });
    const status = send(url);
    await asked;
    followed.volume.write(await mintToken());
    acceptFileOnly(server);
    answer();
    expect(await status).toBe(200);
    expect(server.requests).toHaveLength(2);
    await expectRecovery();
  });

  fault('the server answers 401 for ever', 'each request is sent once, and gets the 401', async () => {
    server.on('/a', { status: 401 });
    for (let request = 0; request < 20; request++) expect(await send(url)).toBe(401);
    expect(server.requests).toHaveLength(20);
    await expectRecovery();
  });

  fault(
    'the server answers 401 for ever, and the file has another token each time',
    'each request is sent twice, and gets the 401',
    async () => {
      const tokens = await Promise.all(Array.from({ length: 40 }, () => mintToken()));
      server.on('/a', () => {
        followed.volume.write(tokens.pop()!);
        return { status: 401 };
      });
      for (let request = 1; request <= 10; request++) {
        expect(await send(url)).toBe(401);
        expect(server.requests).toHaveLength(2 * request);
      }
      await expectRecovery();
    },
  );

  fault('a redirect leads to itself', "the client's own error, at its own limit", async () => {
    server.on('/a', { status: 307, headers: { location: url } });
    await expectFailure(send(url));
    expect(server.requests.length).toBeLessThanOrEqual(22);
    await expectRecovery();
  });
});
