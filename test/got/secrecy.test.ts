import { inspect } from 'node:util';
import got, {
  AbortError,
  HTTPError,
  MaxRedirectsError,
  type OptionsInit,
  ParseError,
  ReadError,
  TimeoutError,
} from 'got';
import { withToken } from 'projected-token/got';
import { describe, expect, it } from 'vitest';
import { useHttpOrigins } from '../helpers/http-origins.js';
import { expectNoToken, FixedTokenSource } from '../helpers/http-token-source.js';

const world = useHttpOrigins();

/** All that a logger can be made to show. */
const ALL = { depth: Number.POSITIVE_INFINITY, showHidden: true, getters: true };

type Send = (options?: OptionsInit) => Promise<unknown>;

/** What the program gets to see in each of these: a response, or an error of got's class. */
const SITUATIONS: Record<string, { kind?: new (...args: never[]) => Error; arrange(send: Send): Promise<unknown> }> = {
  'a response': { arrange: (send) => send() },
  'a refusal as a response': {
    arrange: (send) => {
      world.listed.on('/a', { status: 401, body: 'no' });
      return send({ throwHttpErrors: false });
    },
  },
  'a refusal': {
    kind: HTTPError,
    arrange: (send) => {
      world.listed.on('/a', { status: 401, body: 'no' });
      return send();
    },
  },
  'an error of the server': {
    kind: HTTPError,
    arrange: (send) => {
      world.listed.on('/a', { status: 500, body: 'no' });
      return send({ method: 'POST', json: { a: 1 } });
    },
  },
  'a timeout': {
    kind: TimeoutError,
    arrange: (send) => {
      world.listed.on('/a', 'hang');
      return send({ timeout: { response: 50 } });
    },
  },
  'a request that was aborted': {
    kind: AbortError,
    arrange: async (send) => {
      world.listed.on('/a', 'hang');
      const abort = new AbortController();
      const error = send({ signal: abort.signal });
      await expect.poll(() => world.listed.requests.length).toBe(1);
      abort.abort();
      return error;
    },
  },
  'a connection that broke': {
    kind: ReadError,
    arrange: (send) => {
      world.listed.on('/a', 'break');
      return send();
    },
  },
  'a response that cannot be parsed': {
    kind: ParseError,
    arrange: (send) => {
      world.listed.on('/a', { body: 'no JSON' });
      return send({ responseType: 'json' });
    },
  },
  'too many redirects': {
    kind: MaxRedirectsError,
    arrange: (send) => {
      world.listed.on('/a', { status: 307, headers: { location: '/a' } });
      return send({ maxRedirects: 1 });
    },
  },
  'a redirect that was not followed': {
    arrange: (send) => {
      world.listed.on('/a', { status: 307, headers: { location: '/b' } });
      return send({ followRedirect: false });
    },
  },
};

describe.each(Object.entries({ Authorization: undefined, 'X-Vault-Token': { header: 'X-Vault-Token' } }))(
  'The token in the header %s is not shown',
  (_, carrier) => {
    it.each(Object.entries(SITUATIONS))('with %s', async (_, { kind, arrange }) => {
      const source = new FixedTokenSource(carrier);
      const client = withToken(got.extend({ prefixUrl: world.listed.origin, retry: { limit: 0 } }), source);
      const shown = await arrange((options) => client('a', options as object).catch((e: unknown) => e));
      expect(source.reads).toBe(1);
      expect(world.listed.requests.length).toBeGreaterThan(0);
      if (kind !== undefined) expect(shown).toBeInstanceOf(kind);
      expectNoToken(shown, source);
      expect(inspect(shown, ALL)).not.toContain(source.canary);
      const { options, request } = shown as HTTPError;
      expectNoToken([options, request], source);
    });
  },
);
