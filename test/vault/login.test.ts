import { tmpdir } from 'node:os';
import { BoundToken, ProjectedTokenProvider, TokenFileError } from 'projected-token';
import { TokenVolume } from 'projected-token/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { RawServer } from '../helpers/raw-server.js';
import { recordEvents, VaultScene } from '../helpers/vault-scene.js';

let scene: VaultScene;

afterEach(async () => {
  vi.restoreAllMocks();
  await scene.close();
});

const fingerprint = (token: string) => BoundToken.parse(token).fingerprint;

describe('A login', () => {
  it('gives a token that Vault knows, with its policies and the lease of "auth"', async () => {
    scene = await VaultScene.start({ ttlSeconds: 600 });
    const provider = await scene.open();
    const { token, state, counts, nextAttemptAt } = provider.status;
    expect(await provider.getToken()).toMatch(/^hvs\./);
    expect({ state, counts }).toEqual({ state: 'ready', counts: { logins: 1, renewals: 0, failures: 0 } });
    expect(token).toMatchObject({ policies: ['app', 'default'], isRenewable: true });
    expect(token!.expiresAt!.getTime() - token!.obtainedAt.getTime()).toBe(600_000);
    expect(nextAttemptAt).toEqual(token!.refreshAt);
    expect(scene.vault.validTokens).toBe(1);
  });

  it.each([
    ['kubernetes', undefined],
    ['k8s', 'k8s'],
    ['clusters/prod', '/clusters/prod/'],
    ['k8s%3F1', 'k8s?1'],
  ])('is sent to the mount %s', async (mount, option) => {
    scene = await VaultScene.start({}, { mount });
    await scene.open({ mount: option });
    expect(scene.vault.requests.map(({ path }) => path)).toEqual([`/v1/auth/${mount}/login`]);
  });

  it('names the namespace, and so do all requests that follow', async () => {
    scene = await VaultScene.start({}, { namespace: 'team/shop' });
    const provider = await scene.open({ namespace: 'team/shop', revokeOnClose: true });
    await provider.replaceToken(await provider.getToken());
    await provider.close();
    expect(scene.requests).toEqual(['login 200', 'lookup-self 200', 'revoke-self 204']);
  });

  it('says that it is a request to Vault, as a proxy may ask for', async () => {
    scene = await VaultScene.start();
    const server = await RawServer.start((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    await scene.open({ address: `${server.origin}/vault/` }).catch(() => {});
    await server.close();
    expect(server.requests[0]).toMatch(/^POST \/vault\/v1\/auth\/kubernetes\/login HTTP/);
    expect(server.requests[0]).toMatch(/^X-Vault-Request: true\r$/m);
    expect(server.requests[0]).not.toMatch(/^X-Vault-(Token|Namespace)/im);
  });

  it('is made once, however many callers wait for it', async () => {
    scene = await VaultScene.start();
    const provider = scene.provider();
    const starting = provider.start();
    expect(provider.start()).toBe(starting);
    const tokens = await Promise.all(Array.from({ length: 1000 }, () => provider.getToken()));
    expect(new Set(tokens).size).toBe(1);
    expect(await starting).toBe(provider);
    expect(scene.requests).toEqual(['login 200']);
  });

  it('is made with the newest service account token', async () => {
    scene = await VaultScene.start();
    const expected = [fingerprint(scene.source.current)];
    const provider = await scene.open();
    for (let rotation = 0; rotation < 3; rotation++) {
      expected.push(fingerprint(await scene.rotate()));
      const refused = await provider.getToken();
      scene.vault.revokeTokens();
      expect(await provider.replaceToken(refused)).not.toBe(refused);
    }
    expect(scene.vault.logins).toEqual(expected.map((fingerprint) => ({ fingerprint, outcome: 'granted' })));
  });

  it('is made with what the file of a pod holds, through its rotations', async () => {
    scene = await VaultScene.start();
    using volume = TokenVolume.temporary(tmpdir());
    volume.write(scene.source.current);
    await using source = await ProjectedTokenProvider.open({ path: volume.path, audience: 'vault' });
    const provider = await scene.open({ source });
    const refused = await provider.getToken();
    const second = await scene.rotate();
    volume.write(second);
    await source.refresh();
    scene.vault.revokeTokens();
    await provider.replaceToken(refused);
    expect(scene.vault.logins.map((login) => login.fingerprint).at(-1)).toBe(fingerprint(second));
  });

  it('is made once more when Vault refuses the token and the source has another by now', async () => {
    scene = await VaultScene.start();
    const { source, cluster } = scene;
    const expired = await cluster.mint({ audience: 'vault', expiresInSeconds: -120 });
    source.replacement = source.current;
    source.current = expired;
    const provider = await scene.open();
    expect(source.refused).toEqual([expired]);
    expect(scene.requests).toEqual(['login 403', 'login 200']);
    expect(provider.status.counts).toEqual({ logins: 1, renewals: 0, failures: 0 });
  });

  it('fails with what the source says that has no token, and asks it again until it has', async () => {
    scene = await VaultScene.start();
    vi.spyOn(Math, 'random').mockReturnValue(0.01);
    const missing = new TokenFileError('ERR_TOKEN_NOT_FOUND', 'There is no file.');
    vi.spyOn(scene.source, 'getToken').mockRejectedValueOnce(missing).mockRejectedValueOnce(missing);
    const provider = scene.provider();
    const told = recordEvents(provider);
    await provider.start();
    expect(told).toEqual({ names: ['error', 'error', 'login'], payloads: [missing, missing, expect.anything()] });
    expect(scene.requests).toEqual(['login 200']);
  });
});

describe('The token', () => {
  it('goes into the header of Vault, whose 403 refuses it', async () => {
    scene = await VaultScene.start();
    expect(scene.provider().carrier).toEqual({ header: 'X-Vault-Token', refusedStatuses: [403] });
  });
});
