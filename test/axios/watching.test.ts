import axios, { type AxiosRequestConfig } from 'axios';
import { withToken } from 'projected-token/axios';
import { describe, expect, it } from 'vitest';
import { useHttpOrigins } from '../helpers/http-origins.js';

const world = useHttpOrigins();
const connect = () => withToken(axios.create({ baseURL: world.listed.origin }), world.source);

const refuseFirstToken = () =>
  world.listed.on('/a', ({ headers }) =>
    headers.authorization === world.source.value(1) ? { status: 401, body: 'refused' } : { body: 'accepted by now' },
  );

/** What the functions of the program are told of a request. */
async function progressOf(send: (watching: AxiosRequestConfig) => Promise<unknown>): Promise<string[]> {
  const told: string[] = [];
  await send({
    onUploadProgress: ({ loaded }) => told.push(`up ${loaded}`),
    onDownloadProgress: ({ loaded }) => told.push(`down ${loaded}`),
  });
  return told;
}

describe('Progress', () => {
  const send = (watching: AxiosRequestConfig) => connect().post('/a', 'text', watching);

  it('of a refused attempt is not reported, nor is what was sent already', async () => {
    refuseFirstToken();
    expect(await progressOf(send)).toEqual(['up 4', 'down 15']);
  });

  it('of a refusal is reported where there is no other token', async () => {
    world.source.replaceToken = async () => undefined;
    refuseFirstToken();
    expect(await progressOf((watching) => send(watching).catch(() => {}))).toEqual(['up 4', 'down 7']);
  });

  it('of a refusal is reported where the second attempt is refused too', async () => {
    world.listed.on('/a', { status: 401, body: 'refused' });
    expect(await progressOf((watching) => send(watching).catch(() => {}))).toEqual(['up 4', 'down 7']);
  });

  it('of a refusal that is too long is reported before its error', async () => {
    world.listed.on('/a', { status: 401, body: 'refused' });
    const failing = (watching: AxiosRequestConfig) => send({ ...watching, maxContentLength: 1 }).catch(() => {});
    expect(await progressOf(failing)).toEqual(['up 4', 'down 7']);
  });
});

it('beforeRedirect gets the very headers that are about to be sent', async () => {
  world.listed.on('/a', { status: 307, headers: { location: '/b' } });
  const redirected = async (client: typeof axios) => {
    let prototype: unknown;
    const beforeRedirect = ({ headers }: Record<string, unknown>) => {
      prototype = Object.getPrototypeOf(headers);
    };
    await client.get(`${world.listed.origin}/a`, { beforeRedirect });
    return prototype;
  };
  expect(await redirected(connect() as typeof axios)).toBe(await redirected(axios));
});

it('maxRedirects counts those before a refusal too', async () => {
  world.listed.on('/a', { status: 307, headers: { location: '/b' } });
  world.listed.on('/b', ({ headers }) =>
    headers.authorization === world.source.value(1) ? { status: 401 } : { status: 307, headers: { location: '/c' } },
  );
  await expect(connect().get('/a', { maxRedirects: 1 })).rejects.toMatchObject({ code: 'ERR_FR_TOO_MANY_REDIRECTS' });
  expect(world.listed.seen('/c', 'authorization')).toEqual([]);
});
