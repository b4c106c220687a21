import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { REPOSITORY } from '../helpers/built-package.js';
import { intendedDifferencesTable } from './differential-page.js';
import { differenceIn, INTENDED_DIFFERENCES } from './intended-differences.js';
import { SUBJECTS } from './subjects/index.js';
import { STACKED_SUBJECTS } from './subjects/stacked/index.js';

const page = await readFile(join(REPOSITORY, 'docs', 'differential.md'), 'utf8');

describe('docs/differential.md', () => {
  it('shows every intended difference with its reason, and no other', () => {
    const table = /^\| clients \|.*?(?=\n\n|\n*$(?![\s\S]))/ms.exec(page)?.[0];
    expect(table).toBe(intendedDifferencesTable());
  });

  it('names every client and every stacked library', () => {
    const names = [...SUBJECTS, ...STACKED_SUBJECTS].map(({ name }) => name.replace(/ (attached|under|over) .*/, ''));
    expect(names.length).toBeGreaterThan(20);
    expect(names.filter((name) => !page.includes(name))).toEqual([]);
  });
});

const TRANSPORT = { schemes: 'https', isTrusted: true, offersHttp2: true };

describe('the list of intended differences', () => {
  it('covers nothing where the token is at hand and no request is refused, but the count of bytes', () => {
    const places = [
      'received head',
      'received order: listed.test / the end',
      'seen order: response / rejected',
      'seen response details type',
    ];
    const scenario = {
      transport: TRANSPORT,
      body: 'Readable',
      token: 'at hand',
      refusedAt: undefined,
      abort: { moment: 'in the next turn', reason: 'error' },
      answers: [{ status: 200 }],
      requests: 1,
      options: {},
    };
    for (const where of places) {
      for (const { name } of SUBJECTS) {
        const difference = { where, bare: 'a', wrapped: 'b', isOrderOnly: true };
        expect(
          differenceIn(INTENDED_DIFFERENCES, name, difference, scenario as never),
          `${name}: ${where}`,
        ).toBeUndefined();
      }
    }
  });

  it.each([
    [
      'a request is missing after its token was there',
      'received order: listed.test / the end',
      'at the response',
      1,
      2,
    ],
    ['an answer is missing', 'seen order: undici:request:create / the end', 'in the same turn', 'a, response', 'a'],
    ['fewer bytes were sent', 'seen error details socket bytesWritten', 'in the next turn', 2, 1],
    ['an answer comes where there is none', 'seen order: hangs / response', 'in the next turn', 'hangs', 'response'],
    ['an error is another', 'seen error details: RequestError / AbortError', 'in the next turn', { code: 'X' }, {}],
  ])('does not hide that %s', (_, where, moment, ...[bare, wrapped]) => {
    const [difference, scenario] = [
      {
        where,
        bare: where.includes('order') ? { order: bare } : bare,
        wrapped: where.includes('order') ? { order: wrapped } : wrapped,
      },
      {
        transport: TRANSPORT,
        body: 'Readable',
        token: 'awaited',
        abort: { moment, reason: 'error' },
        carrier: 'X-Vault-Token',
        headers: { entries: [['Content-Length', '0']] },
        answers: [{ status: 200 }],
        requests: 1,
        options: {},
      },
    ];
    const found = SUBJECTS.map(({ name }) => differenceIn(INTENDED_DIFFERENCES, name, difference, scenario as never));
    expect(found).toEqual(SUBJECTS.map(() => undefined));
  });

  it.each(['@kubernetes/client-node', 'got'])('does not hide what %s does after a refusal at a redirect', (client) => {
    const hops = [{ location: { text: '/a#b' } }, {}];
    const scenario = { transport: TRANSPORT, token: 'at hand', refusedAt: 1, answers: hops, options: { members: {} } };
    const places = [
      { where: 'received order: the end / listed.test' },
      { where: 'received order: listed.test / the end' },
      { where: 'received order: listed.test / second.test' },
      {
        where: 'seen error details message',
        bare: 'request to http://a/#b failed',
        wrapped: 'request to http://c/ failed',
      },
    ];
    for (const place of places) {
      const found = differenceIn(INTENDED_DIFFERENCES, client, place as never, scenario as never);
      expect(found, place.where).toBeUndefined();
    }
  });

  it('covers another connection of fetch only after a refusal', () => {
    const covered = [200, 401].map((status) => {
      const scenario = { transport: TRANSPORT, token: 'at hand', answers: [{ status }], requests: 2, options: {} };
      const difference = { where: 'received connection', bare: 1, wrapped: 2 };
      return differenceIn(INTENDED_DIFFERENCES, 'fetch', difference, scenario as never) !== undefined;
    });
    expect(covered).toEqual([false, true]);
  });

  it('has a reason for each', () => {
    expect(INTENDED_DIFFERENCES.length).toBeGreaterThan(0);
    for (const { what, why } of INTENDED_DIFFERENCES)
      expect([what, why].filter((text) => text.length < 20)).toEqual([]);
  });
});
