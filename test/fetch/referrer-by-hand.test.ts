import { withToken } from 'projected-token/fetch';
import { expect, it, vi } from 'vitest';
import { sentReferrer } from '../../src/fetch/sent-referrer.js';
import { useHttpOrigins } from '../helpers/http-origins.js';

// What a referrer becomes on the way through redirects, beside what Node's own fetch makes of it.

const at = useHttpOrigins();

type Policy = NonNullable<RequestInit['referrerPolicy']>;

/** Those by which every line of Node does what the standard says: undici had, and has, mistakes in the other four. */
const POLICIES: Policy[] = ['', 'origin', 'strict-origin', 'strict-origin-when-cross-origin', 'unsafe-url'];

const REFERRERS = {
  'of the first origin': () => `${at.listed.origin}/private?session=1`,
  'of the second origin': () => `${at.unlisted.origin}/private?session=1`,
  'with TLS, of another origin': () => 'https://user:password@other.example/private?session=1#part',
  'without TLS, of another origin': () => 'http://other.example/private?session=1',
  'that is too long to be told whole': () => `${at.listed.origin}/${'x'.repeat(5000)}`,
  'that is none': () => '',
  'of fetch itself': () => 'about:client',
};

it.each(Object.entries(REFERRERS))('a referrer %s becomes what fetch makes of it', async (_, referrerOf) => {
  const [referrer, headers] = [referrerOf(), { authorization: 'Bearer bare' }];
  const wrapped = withToken(fetch.bind(globalThis), at.source, { origins: [at.listed.origin] });
  for (const referrerPolicy of POLICIES) {
    for (const policyOfRedirect of POLICIES) {
      at.listed.on('/from', redirect(`${at.unlisted.origin}/via`, policyOfRedirect));
      at.unlisted.on('/via', redirect(`${at.listed.origin}/back`));
      const seen = async (send: typeof fetch, init: RequestInit) => {
        await send(`${at.listed.origin}/from`, { ...init, referrer, referrerPolicy });
        return [
          at.listed.seen('/from', 'referer'),
          at.unlisted.seen('/via', 'referer'),
          at.listed.seen('/back', 'referer'),
        ];
      };
      const expected = await seen(fetch, { headers });
      at.listed.reset();
      at.unlisted.reset();
      at.listed.on('/from', redirect(`${at.unlisted.origin}/via`, policyOfRedirect));
      at.unlisted.on('/via', redirect(`${at.listed.origin}/back`));
      expect(await seen(wrapped, {}), `${referrerPolicy}, then ${policyOfRedirect}`).toEqual(expected);
      at.listed.reset();
      at.unlisted.reset();
    }
  }
});

it.each<[Policy, same: string, other: string]>([
  ['no-referrer', '', ''],
  ['no-referrer-when-downgrade', 'https://vault.internal/private', 'https://vault.internal/private'],
  ['same-origin', 'https://vault.internal/private', ''],
  ['origin-when-cross-origin', 'https://vault.internal/private', 'https://vault.internal/'],
])('by %s, the next hop tells no more than the one before', async (referrerPolicy, same, other) => {
  const referrer = 'https://vault.internal/private';
  const sent = (origin: string) => sentReferrer({ url: new URL(`${origin}/from`), referrer, referrerPolicy });
  expect([sent('https://vault.internal'), sent('https://other.example')]).toEqual([same, other]);
});

it.each([
  ['https://vault.internal', 'http://other.example', ''],
  ['https://vault.internal', 'http://localhost', 'https://vault.internal/private'],
  ['http://vault.internal', 'http://other.example', 'http://vault.internal/private'],
])('from %s to %s, no-referrer-when-downgrade tells %j', (from, to, told) => {
  const referrerPolicy = 'no-referrer-when-downgrade';
  expect(sentReferrer({ url: new URL(to), referrer: `${from}/private`, referrerPolicy })).toBe(told);
});

it('a policy of a redirect does not tell what the hop before it did not', async () => {
  const policies: Record<string, string> = { '/from': 'origin', '/via': 'unsafe-url' };
  const client = vi.fn(async (url: string, _init: RequestInit) => {
    const { pathname } = new URL(url);
    const to = pathname === '/to' ? undefined : pathname === '/from' ? '/via' : '/to';
    return new Response(null, to && redirect(`https://vault.internal${to}`, policies[pathname]));
  });
  const wrapped = withToken(client as unknown as typeof fetch, at.source, { origins: ['https://vault.internal'] });
  await wrapped('https://vault.internal/from', { referrer: 'https://vault.internal/private' });
  expect(client.mock.calls.map(([, { referrer, referrerPolicy }]) => [referrer, referrerPolicy])).toEqual([
    ['https://vault.internal/private', undefined],
    ['https://vault.internal/private', 'origin'],
    ['https://vault.internal/', 'unsafe-url'],
  ]);
});

function redirect(location: string, policy?: string) {
  return { status: 307, headers: { location, ...(policy && { 'referrer-policy': policy }) } };
}
