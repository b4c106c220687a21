/**
 * What a TypeScript user writes. Compiled with this repository, and again as an ES module and as CommonJS against the
 * packed package, with the strictest settings.
 */
import { KubeConfig } from '@kubernetes/client-node';
import axios, { type AxiosInstance, type AxiosStatic } from 'axios';
import type { Got } from 'got';
import {
  type BoundToken,
  ProjectedTokenError,
  type ProjectedTokenErrorCode,
  ProjectedTokenProvider,
  TokenClaimError,
  type TokenSource,
} from 'projected-token';
import { withToken as withTokenAxios } from 'projected-token/axios';
import { withToken as withTokenFetch } from 'projected-token/fetch';
import { withToken as withTokenGot } from 'projected-token/got';
import { withToken as withTokenKubernetes } from 'projected-token/kubernetes';
import { OAuthTokenProvider } from 'projected-token/oauth';
import { mintToken, TokenIssuer, TokenVolume } from 'projected-token/testing';
import { withToken as withTokenUndici } from 'projected-token/undici';
import { Agent, fetch as fetchOfUndici } from 'undici';

/** Fails to compile unless the two types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_: Same<A, B>): void {}

export async function core(): Promise<void> {
  const provider = await ProjectedTokenProvider.open({ path: '/tokens/vault', audience: ['vault', 'bao'] });
  const source: TokenSource = provider;
  same<Awaited<ReturnType<typeof source.getToken>>, string>(true);
  same<typeof provider.current, BoundToken | undefined>(true);

  provider.on('rotated', ({ current, previous }) => {
    same<typeof current, BoundToken>(true);
    same<typeof previous.expiresAt, Date | undefined>(true);
  });
  provider.on('rejected', ({ error }) => same<typeof error, ProjectedTokenError>(true));
  // @ts-expect-error: no such event
  provider.on('rotate', () => {});
  // @ts-expect-error: no such option
  await ProjectedTokenProvider.open({ paths: '/tokens/vault' });
  // @ts-expect-error: a snapshot does not change
  provider.current!.fingerprint = 'other';

  await provider.close();
}

export function errors(error: unknown): string {
  if (!(error instanceof ProjectedTokenError)) return 'unknown';
  same<typeof error.code, ProjectedTokenErrorCode>(true);
  if (error instanceof TokenClaimError) return `${error.claim}: ${error.expected.join()}`;
  switch (error.code) {
    case 'ERR_TOKEN_EXPIRED':
      return 'expired';
    // @ts-expect-error: no such code
    case 'ERR_TOKEN_UNKNOWN':
      return 'never';
    default:
      return error.code;
  }
}

export async function clients(source: TokenSource, got: Got): Promise<void> {
  const options = { origins: ['https://vault.internal:8200'] };
  const vaultFetch = withTokenFetch(fetch, source, options);
  same<typeof vaultFetch, typeof fetch>(true);
  const undiciFetch = withTokenFetch(fetchOfUndici, source, options);
  same<typeof undiciFetch, typeof fetchOfUndici>(true);
  // @ts-expect-error: with fetch there is no base URL that could stand for a list of origins
  withTokenFetch(fetch, source);

  const vault = withTokenAxios(axios.create({ baseURL: 'https://vault.internal:8200' }), source);
  same<typeof vault, AxiosInstance>(true);
  const all = withTokenAxios(axios, source, options);
  same<typeof all, AxiosStatic>(true);

  same<ReturnType<typeof withTokenGot<Got>>, Got>(true);
  const body: { data: string } = await withTokenGot(got, source, options)('https://vault.internal:8200/v1/a').json();
  void body.data;

  const agent = withTokenUndici(new Agent(), source, options);
  same<typeof agent, Agent>(true);
  const kubeConfig = withTokenKubernetes(new KubeConfig(), source);
  same<typeof kubeConfig, KubeConfig>(true);

  const accessTokens = await OAuthTokenProvider.open({ issuer: 'https://id.internal', source, grant: 'jwt-bearer' });
  accessTokens.on('rotated', ({ token }) => same<typeof token.expiresAt, Date>(true));
  // @ts-expect-error: no such grant
  await OAuthTokenProvider.open({ issuer: 'https://id.internal', source, grant: 'password' });
}

export async function testKit(directory: string): Promise<void> {
  const issuer = await TokenIssuer.create({ algorithm: 'ES256' });
  using volume = TokenVolume.temporary(directory, { mode: 0o600 });
  const token = await issuer.mint({ audience: 'vault', expiresInSeconds: 600 });
  same<typeof token, string>(true);
  volume.write(token);
  volume.write(await mintToken());
  // @ts-expect-error: no such algorithm
  await TokenIssuer.create({ algorithm: 'HS256' });
}
